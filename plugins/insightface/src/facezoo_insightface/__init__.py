"""Published weights of insightface's backbones, as folders that a run can start from."""
