"""The command about data sets: which there are, here and in a store, and how one gets into a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seedbed.cli.options import DEFAULT_STORE, store_at

if TYPE_CHECKING:
    from seedbed.data import Files
    from seedbed.family import Family
    from seedbed.store import Store

app = typer.Typer()

HeldOption = Annotated[
    str | None,
    typer.Option(
        "--store", envvar="SEEDBED_STORE", help="Show what this store holds: a folder or s3://bucket."
    ),
]


@app.callback(invoke_without_command=True)
def data(context: typer.Context, store: HeldOption = None) -> None:
    """List the data sets of each family, and where they are looked for; `push` puts one into a store."""
    if context.invoked_subcommand is not None:
        return
    from seedbed.data import data_roots
    from seedbed.family import load_families, refuse_wrong

    print(f"looked for in: {', '.join(map(str, data_roots()))} (SEEDBED_DATA names another folder)")
    families, wrong = load_families()
    for family in families:
        for dataset, about in family.datasets().items():
            print(f"{family.name}  {dataset}  {about}")
    if store is not None:
        _show_stored(store_at(store))
    refuse_wrong(wrong)


@app.command()
def push(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A data set, such as uci_har or ucr/GunPoint.")],
    store: Annotated[
        str | None,
        typer.Option(
            "--store", help="Where it goes: a folder or s3://bucket; else where SEEDBED_STORE says."
        ),
    ] = None,
) -> None:
    """Put a data set into a store, for pods to fetch. What is there stays; one broken off goes on."""
    from seedbed.datasets import push

    above = context.parent.params.get("store") if context.parent else None
    place = store_at(store or above or DEFAULT_STORE)
    files = _files_of(name)
    stored, sent = push(place, name, files)
    there = len(stored.entries) - sent
    said = f"{_files(sent)} put there" + (f", {there} were there already" if there else "")
    print(
        f"{name}: {said if sent else 'is there already'}; {_size(stored.size)} in {place.place(stored.key)}"
    )


def _show_stored(store: Store) -> None:
    from seedbed.datasets import FOLDER, stored_sets

    print(f"in {store.place(FOLDER)}:")
    found = False
    for stored, newest in stored_sets(store):
        found = True
        files = f"{_files(len(stored.entries))}, {_size(stored.size)}"
        print(f"  {stored.name}  {stored.fingerprint[:16]}  {files}{'' if newest else ', not the newest'}")
    if not found:
        print("  nothing; `seedbed data push NAME` puts a data set there")


def _files_of(name: str) -> Files:
    """The files of a data set, by the first family that knows it; raises InvalidConfig when none does."""
    from seedbed.errors import InvalidConfig, did_you_mean
    from seedbed.family import load_families, refuse_wrong

    families, wrong = load_families()
    for family in families:
        files = family.files(name)
        if files is not None:
            return files
    refuse_wrong(wrong)  # one of them may know it
    known = dict.fromkeys(
        dataset for family in families for dataset in family.datasets() if _can_be_pushed(family, dataset)
    )
    raise InvalidConfig(f"no data set that can be pushed is called {name!r}; {did_you_mean(name, known)}")


def _can_be_pushed(family: Family, name: str) -> bool:
    """Whether a name of a family's listing is one that `push` takes, be its files here or not."""
    from seedbed.errors import BadData, InvalidConfig

    try:
        return family.files(name) is not None
    except BadData:
        return True
    except InvalidConfig:
        return False


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
