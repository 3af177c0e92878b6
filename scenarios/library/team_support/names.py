"""Who and what a split can draw; no name, domain, item or range of numbers is in two splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.core.types import Split


@dataclass(frozen=True, slots=True)
class Pool:
    """The entities of one split. Numbers of orders, items and parcels are drawn from [low, high)."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    domains: tuple[str, ...]
    items: tuple[str, ...]
    streets: tuple[str, ...]
    towns: tuple[str, ...]
    low: int
    high: int

    def every(self) -> frozenset[str]:
        """All names of the split, and its range of numbers."""
        names = (*self.first, *self.last, *self.domains, *self.items, *self.streets, *self.towns)
        return frozenset(names) | {f"numbers {self.low}..{self.high - 1}"}


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


POOLS: Mapping[Split, Pool] = {
    "train": Pool(
        first=_items(
            "Alma, Boris, Carla, Dario, Elif, Fiona, Georg, Hilde, Ivan, Janna, Karl, Lidia, Marta, Nuno, Olga, Pia, "
            "Rafael, Selma, Timo, Ursula, Vera, Walter, Yara, Zeno, Abel, Berta, Cyril, Dora, Egon, Frida"
        ),
        last=_items(
            "Adler, Brenner, Corvin, Dupont, Egger, Faber, Gruber, Holub, Imhof, Jonker, Kramer, Lorenz, Maurer, Nagel, "
            "Olsson, Pichler, Rieger, Sauter, Thoma, Urban, Vogt, Winter, Zander, Baumann, Cermak, Dorn"
        ),
        domains=_items(
            "hillpost.example, marketmail.example, oldharbor.example, southbox.example, treemail.example"
        ),
        items=_items(
            "desk lamp, rain jacket, coffee grinder, hiking boots, wool blanket, bike helmet, office chair, tea kettle, "
            "yoga mat, phone case, travel bag, wall clock, garden hose, toaster, reading glasses, running shoes"
        ),
        streets=_items(
            "Alder Lane, Brook Street, Castle Road, Dover Way, Elm Avenue, Forge Hill, Garden Row, High Street"
        ),
        towns=_items(
            "Ashford, Brookfield, Clearwater, Dunmore, Eastvale, Fairhaven, Greenhill, Hartwell"
        ),
        low=10000,
        high=60000,
    ),
    "validation": Pool(
        first=_items(
            "Aurel, Brigitte, Cosmo, Delphine, Enzo, Flora, Gaston, Heidi, Ismael, Judith, Konrad, Luise"
        ),
        last=_items(
            "Ackermann, Bianchi, Castell, Dietrich, Engel, Franke, Gerber, Huber, Isler, Jost, Kunz"
        ),
        domains=_items("lakepost.example, quietmail.example, stonebox.example"),
        items=_items("picnic basket, chess set, umbrella, bath towel, camp stove, photo frame"),
        streets=_items("Ivy Close, Juniper Path, King Street, Linden Walk"),
        towns=_items("Iverton, Jarrow Bay, Kingsmere, Lowfield"),
        low=60000,
        high=70000,
    ),
    "test": Pool(
        first=_items(
            "Alban, Blanche, Clovis, Dagmar, Edgar, Felicia, Gottfried, Hermine, Irving, Josepha, Kilian, Leonie, Marius, "
            "Nelly, Oswald, Philippa, Roland, Sybil"
        ),
        last=_items(
            "Amsler, Brugger, Colombo, Devries, Ehrlich, Forster, Gasser, Hirt, Ineichen, Jaggi, Kessler, Lutz, Moser, "
            "Nyffeler, Ott, Probst"
        ),
        domains=_items(
            "cliffpost.example, eveningmail.example, riverbox.example, whitemail.example"
        ),
        items=_items(
            "soup pot, board game, winter gloves, desk fan, sleeping bag, music stand, pillow, bread knife, ski goggles"
        ),
        streets=_items("Mill Lane, North Terrace, Orchard Road, Park View, Quay Street"),
        towns=_items("Millbrook, Norton Sands, Oakridge, Penrith Hill, Queensbury"),
        low=70000,
        high=100000,
    ),
}
