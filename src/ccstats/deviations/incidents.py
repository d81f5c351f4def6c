"""stub"""


def number_incidents(points, by, gap):
    import pandas as pd

    return pd.array([pd.NA] * len(points), dtype="Int64")
