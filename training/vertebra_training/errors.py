"""The one error class of the recipe: something a person can put right, said in one sentence without a stack trace."""


class TrainingError(Exception):
    """Expected … for NAME but received …"""
