"""The article's three categories: email, social media, productivity tools, and everything else.

The 252 tasks name the application each was written for (`motivation_app`); which application belongs where is our own
reading, since Stanford published none. A category with few tasks has a wide interval: read the counts.
"""

from collections.abc import Iterable

OTHER = "other"
OUR_READING = (
    "Which tasks count as email, social media or productivity is this kit's own reading: the article names the three "
    "categories and published no list."
)
APPS = {
    "email": ("Gmail",),
    "social media": (
        "Twitter", "LinkedIn", "Instagram", "Facebook", "Reddit", "Quora", "YouTube", "Blogger", "Messenger",
        "Telegram",
    ),
    "productivity": (
        "Grammarly", "Notion", "Jira", "Overleaf", "MS Excel", "MS Word", "MS Powerpoint", "Google Docs",
        "Google Sheet", "Google Sheets", "Google Calendar", "Google Meet",
    ),
}  # fmt: skip
_CATEGORY_OF = {app: category for category, apps in APPS.items() for app in apps}


def category_of_app(app: str) -> str:
    """The category of an application named in the 252 tasks."""
    return _CATEGORY_OF.get(app, OTHER)


def category_counts(points: Iterable[tuple[str, float]]) -> dict[str, tuple[int, int, int]]:
    """(wins, losses, ties) by category, largest first, from (category, 1 won | 0.5 tie | 0 lost)."""
    counts: dict[str, list[int]] = {}
    for category, point in points:
        counts.setdefault(category, [0, 0, 0])[{1.0: 0, 0.0: 1}.get(point, 2)] += 1
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1]), item[0]))
    return {category: (won, lost, tied) for category, (won, lost, tied) in ordered}
