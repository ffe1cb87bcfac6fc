"""Training recipe of the vertebra detectors: Faster R-CNN with a feature pyramid on ResNet-101 v2 or VGG-16."""
