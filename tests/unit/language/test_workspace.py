import pytest

from journeys.language.model import Channel
from journeys.language.problems import MapError
from journeys.language.stores import files_named
from journeys.language.tree import SIZE_LIMIT
from journeys.language.workspace import (
    compile_map,
    compile_settings,
    compile_workspace,
    make_release,
    settings_of,
)

from .corpus import WORKSPACE
from .scopes import Somebody, scope

CART = """map: cart
version: {version}
priority: {priority}
enter: {{event: cart.filled, when: event.amount > 5}}
goals: [{{goal: ordered, event: order.paid, value: event.amount, then: exit}}]
stages:
  waiting:
    do: {{send: remind, channels: sms, with: {{amount: "= entry.amount"}}}}
    after: {{wait: 1d, end: over}}
"""


def test_settings_are_read_with_their_defaults() -> None:
    workspace = compile_settings(WORKSPACE)

    assert (workspace.name, workspace.clock, workspace.grace) == ("acme", "wall", 5_000)
    assert (workspace.memory_for, workspace.memory_at_most) == (86_400_000, 200)
    assert workspace.channels["official_account"] == Channel(
        "official_account", "openid.*", "official_account"
    )
    assert workspace.purposes == {"notify": ("official_account", "sms")}
    assert workspace.events["consent.withdrawn"] == {}
    assert workspace.traits is not None
    assert workspace.traits["birthday"] == "date"


def test_settings_say_everything_they_can() -> None:
    text = """workspace: shop
timezone: UTC
clock: event
grace: 0s
memory: {for: 2d, at_most: 10}
hold_time_at_most: 2h
identity: {version: 1, namespaces: {phone: {limit: 2}}}
channels:
  mail: {identifier: email, when: profile.traits.first_name == 'Li'}
sources:
  native: {topic: app.touchpoints, bulk: true}
  till: {topic: pos, type: order.paid, identifiers: {phone: "{{ mobile }}"}, bulk: false}
"""
    workspace = compile_settings({"wayline.yaml": text})
    when = workspace.channels["mail"].when

    assert (workspace.clock, workspace.grace, workspace.memory_for) == ("event", 0, 172_800_000)
    assert workspace.hold_time_at_most == 7_200_000
    assert workspace.identity == {"version": 1, "namespaces": {"phone": {"limit": 2}}}
    assert when is not None
    assert when.run(scope(person=Somebody({"first_name": "Li"}))) is True
    assert (workspace.sources["native"].topic, workspace.sources["native"].bulk) == (
        "app.touchpoints",
        True,
    )
    assert workspace.sources["native"].mapping is None
    assert workspace.sources["till"].mapping["identifiers"] == {"phone": "{{ mobile }}"}
    assert workspace.traits is None


def test_the_digest_is_of_the_texts_whatever_their_order() -> None:
    backwards = dict(reversed(WORKSPACE.items()))
    changed = {**WORKSPACE, "wayline.yaml": WORKSPACE["wayline.yaml"] + "\n"}
    with_map = {**WORKSPACE, "maps/cart.yaml": CART.format(version=1, priority=50)}
    digest = compile_settings(WORKSPACE).digest

    assert compile_settings(backwards).digest == digest
    assert compile_workspace(with_map).workspace.digest == digest
    assert compile_settings(changed).digest != digest


def test_a_map_alone_compiles_as_it_does_in_its_folder() -> None:
    text = CART.format(version=1, priority=50)
    in_folder = compile_workspace({**WORKSPACE, "maps/cart.yaml": text})
    alone = compile_map(text, "maps/cart.yaml", compile_settings(WORKSPACE))

    assert in_folder.files == ("maps/cart.yaml",)
    assert in_folder.maps[0].digest == alone.digest
    assert in_folder.maps[0].remembers == alone.remembers


def test_a_map_may_have_any_file_name() -> None:
    with pytest.raises(MapError, match="draft"):
        compile_map("map: x\n", "draft", compile_settings(WORKSPACE))


def test_problems_of_settings_come_before_those_of_maps() -> None:
    documents = {
        **WORKSPACE,
        "wayline.yaml": "workspace: acme\ntimezone: UTC\n",
        "maps/cart.yaml": CART.format(version=1, priority=50).replace("remind", "remnid"),
    }
    with pytest.raises(MapError) as refused:
        compile_workspace(documents)

    assert {each.file for each in refused.value.problems} == {"templates/shop.yaml"}


def test_a_release_lets_people_into_live_maps_and_notices_for_all() -> None:
    workspace = compile_settings(WORKSPACE)
    old = compile_map(CART.format(version=1, priority=90), "a", workspace)
    live = compile_map(CART.format(version=2, priority=10), "b", workspace)
    other = compile_map(
        CART.format(version=1, priority=80).replace("cart", "box", 1), "c", workspace
    )

    release = make_release(workspace, [live, other], [old])

    assert [each.name for each in release.live] == ["box", "cart"]
    assert [map_.version for map_, _ in release.entering["cart.filled"]] == [1, 2]
    assert set(release.versions) == {("cart", 1), ("cart", 2), ("box", 1)}
    assert release.noticing == {
        ("cart", 1, "order.paid"),
        ("cart", 2, "order.paid"),
        ("box", 1, "order.paid"),
    }
    assert release.remembers == {"cart.filled": {"amount"}, "order.paid": {"amount"}}


def test_without_a_catalogue_any_name_will_do() -> None:
    text = CART.format(version=1, priority=50).replace("amount", "whatever")
    documents = {file: each for file, each in WORKSPACE.items() if not file.startswith("cat")}
    documents["templates/shop.yaml"] = WORKSPACE["templates/shop.yaml"].replace(
        "amount", "whatever"
    )
    map_ = compile_map(text, "maps/cart.yaml", compile_settings(documents))
    when = map_.enter[0].trigger.when

    assert when is not None
    assert when.run(scope({"whatever": 6})) is True
    assert when.run(scope({})) is False
    assert map_.remembers["cart.filled"] == {"whatever"}


STORES = "workspace: shop\ntimezone: UTC\nstores: stores.csv\n"


def test_stores_are_read_from_a_table_as_from_a_mapping() -> None:
    table = 'id,title,timezone,manager\nhz-01,"West Lake, 1",Asia/Shanghai,Li\nx,,\n'
    mapping = """stores:
  hz-01: {title: "West Lake, 1", timezone: Asia/Shanghai}
  x: {}
"""
    from_table = compile_settings({"wayline.yaml": STORES, "stores.csv": table})
    from_mapping = compile_settings({"wayline.yaml": STORES.rpartition("stores:")[0] + mapping})

    assert from_table.stores == from_mapping.stores
    assert str(from_table.stores["hz-01"].zone) == "Asia/Shanghai"
    assert from_table.stores["x"].zone is None


def test_a_table_of_stores_is_part_of_what_is_published() -> None:
    before = {"wayline.yaml": STORES, "stores.csv": "id\n1\n", "other.csv": "a", "x.yaml": "a: 1"}
    after = {**before, "stores.csv": "id\n2\n"}

    assert sorted(settings_of(before)) == ["stores.csv", "wayline.yaml"]
    assert compile_settings(before).digest != compile_settings(after).digest


@pytest.mark.parametrize(
    "name", ["../stores.csv", "/etc/passwd.csv", "/etc/passwd", "a/../../b.csv"]
)
def test_no_file_outside_the_folder_is_ever_read(name: str) -> None:
    assert files_named(f"stores: {name}") == ()


def test_a_table_that_is_too_large_is_refused_and_not_read_in_part() -> None:
    table = "id\n" + "".join(f"{n:08}\n" for n in range(SIZE_LIMIT // 9 + 1))

    with pytest.raises(MapError, match="too-large"):
        compile_settings({"wayline.yaml": STORES, "stores.csv": table})
