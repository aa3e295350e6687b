"""A shop with a map in two versions and a file of its past, for backtest and diff."""

from pathlib import Path

from tests.unit.replay.benches import CART, CATALOGUE, SETTINGS, TEMPLATES

SOURCES = """
sources:
  till:
    file: rows.csv
    format: mapped
    id: "{{ no }}"
    type: "{{ what }}"
    time: "{{ at }}"
    timezone: Asia/Shanghai
    identifiers: {phone: "{{ phone }}", openid.mp: "{{ openid }}"}
    properties: {cart: "{{ cart }}", amount: "{{ amount | number }}"}
"""
ROWS = """\
no,what,at,phone,openid,cart,amount
1,cart.filled,2026-05-04 09:00,13800138001,o-ann-1234567,c1,30
2,cart.filled,2026-05-04 09:30,13800138002,,c2,20
3,cart.filled,2026-05-04 10:00,,o-cid-1234567,c3,10
4,order.paid,2026-05-05 12:00,13800138001,,c1,30
5,order.paid,soon,13800138001,,c1,30
6,cart.filled,2026-05-06 12:00,13800138002,,c2,25
7,cart.filled,2026-05-07 09:00,13800138001,,c1,5
8,order.paid,2026-06-04 09:00,13800138009,,c9,5
"""


def small_shop(folder: Path) -> Path:
    """The workspace, with `drafts/cart.yaml` beside it and `rows.csv` in it."""
    for name, text in (
        ("wayline.yaml", SETTINGS + SOURCES),
        ("catalogue/events.yaml", CATALOGUE),
        ("templates/texts.yaml", TEMPLATES),
        ("maps/cart.yaml", CART),
        (
            "drafts/cart.yaml",
            CART.replace("wait: 2d", "wait: 1d").replace("version: 1", "version: 2"),
        ),
        ("rows.csv", ROWS),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(", consent: app", "").replace(", consent: sms", ""))
    return folder
