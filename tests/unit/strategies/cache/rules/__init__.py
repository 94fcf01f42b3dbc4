"""The rules of the cache: functions of what they are given."""
