"""A shop whose visitors are known by cookies, and reminded of their carts."""

WAIT_S = 4

SETTINGS = """
workspace: shop
timezone: UTC
grace: 0s
channels:
  mail: {identifier: cookie}
"""

CART = f"""
map: cart
version: 1
enter: {{event: cart.left, key: event.cart_id}}
stages:
  waiting:
    after: {{wait: {WAIT_S}s, to: remind}}
  remind:
    do: [{{send: remind_me, channels: mail}}]
    end: reminded
"""

TEMPLATES = """
templates:
  remind_me:
    class: transactional
    mail: {subject: Your cart, text: It is still there.}
"""


def documents(more: str = "") -> dict[str, str]:
    """The workspace; `more` is added to wayline.yaml."""
    return {
        "wayline.yaml": SETTINGS + more,
        "templates/shop.yaml": TEMPLATES,
        "maps/cart.yaml": CART,
    }
