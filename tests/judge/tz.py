#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tz.tsv, what test_tz.c expects, from Python's zoneinfo: digests' due instants.

zone, weekday (-1: every day; 0 Sunday), HH:MM, a due instant, the next one (unix seconds)."""
import datetime as dt
import zoneinfo

CASES = [
    ("Europe/Berlin", -1, 9, 0, (2026, 3, 25), 8),
    ("Europe/Berlin", -1, 9, 0, (2026, 10, 22), 8),
    ("Europe/Berlin", 1, 9, 0, (2026, 3, 16), 29),
    ("Europe/Berlin", 1, 9, 0, (2026, 10, 12), 29),
    ("Europe/Berlin", -1, 2, 30, (2026, 3, 27), 4),   # 02:30 on 29 March is skipped
    ("Europe/Berlin", -1, 2, 30, (2026, 10, 23), 4),  # 02:30 on 25 October is twice
    ("Europe/Berlin", -1, 9, 0, (2040, 3, 22), 8),    # past the table: the rule at its end
    ("Europe/Berlin", -1, 9, 0, (2040, 10, 25), 8),
    ("America/New_York", -1, 9, 0, (1997, 4, 4), 5),
    ("America/New_York", 0, 1, 30, (2026, 10, 18), 29),
    ("Australia/Sydney", -1, 9, 0, (1998, 10, 23), 5),
    ("Australia/Lord_Howe", -1, 2, 15, (2026, 10, 2), 5),
    ("Asia/Kathmandu", -1, 9, 0, (2026, 1, 1), 3),
    ("Africa/Casablanca", -1, 9, 0, (2026, 2, 13), 5),
    ("America/St_Johns", 5, 0, 0, (2041, 3, 1), 29),
    ("UTC", -1, 0, 0, (1996, 2, 27), 4),
]

with open(__file__.replace(".py", ".tsv"), "w") as out:
    for zone, weekday, hour, minute, start, days in CASES:
        tz = zoneinfo.ZoneInfo(zone)
        due = []
        for i in range(days):
            day = dt.date(*start) + dt.timedelta(days=i)
            if weekday < 0 or day.isoweekday() % 7 == weekday:
                at = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=tz)  # fold=0
                due.append(int(at.timestamp()))
        for a, b in zip(due, due[1:]):
            out.write(f"{zone}\t{weekday}\t{hour:02}:{minute:02}\t{a}\t{b}\n")
