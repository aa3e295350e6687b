"""A small workspace for end-to-end tests: a cart reminder, on whichever clock."""

CART = """
map: cart
version: 1
enter: {event: cart.left}
goals:
  - {goal: bought, event: order.paid, then: exit}
stages:
  waiting:
    after: {wait: WAIT, to: remind}
  remind:
    do: [{send: remind_me, channels: sms}]
    end: reminded
"""

TEMPLATES = """
templates:
  remind_me:
    sms: {text: Your cart is waiting.}
"""


def documents(clock: str, wait: str, grace: str = "0s") -> dict[str, str]:
    """The cart reminder: who left a cart and did not buy within `wait` is reminded, once."""
    settings = f"""
workspace: shop
timezone: UTC
clock: {clock}
grace: {grace}
channels:
  sms: {{identifier: phone}}
"""
    return {
        "wayline.yaml": settings,
        "templates/shop.yaml": TEMPLATES,
        "maps/cart.yaml": CART.replace("WAIT", wait),
    }
