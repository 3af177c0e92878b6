"""Entity pools: who and what a split can draw. No name, domain, model or id is shared between splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.core.types import Split


@dataclass(frozen=True, slots=True)
class Pool:
    """The entities of one split. Identifiers of every kind are drawn from [low, high)."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    domains: tuple[str, ...]
    companies: tuple[str, ...]
    models: tuple[str, ...]
    countries: tuple[str, ...]
    low: int
    high: int

    def every(self) -> frozenset[str]:
        """All names of the split, and its range of identifiers."""
        names = (
            *self.first,
            *self.last,
            *self.domains,
            *self.companies,
            *self.models,
            *self.countries,
        )
        return frozenset(names) | {f"ids {self.low}..{self.high - 1}"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


POOLS: Mapping[Split, Pool] = {
    "train": Pool(
        first=_words(
            "Anna Tomas Priya Marco Elena Jonas Fatima Lucas Ingrid Kwame Sofia Pavel Mei Diego Hannah Omar Clara "
            "Viktor Amara Felix Nadia Ruben Yuki Samir Greta Mateo Leila Oskar Bianca Tariq Joanna Henrik Camila "
            "Stefan Aisha Bruno Katya Daniel Noor Emil Paula Rashid Lena Andre Mira Gustav Salma Peter Ines Zoltan "
            "Helena Karim Julia Nils Rosa Milan Eva Hugo Dalia Simon"
        ),
        last=_words(
            "Kovacs Lindqvist Sharma Rossi Petrov Weber Haddad Silva Berg Mensah Duarte Novak Chen Alvarez Schmidt "
            "Farouk Laurent Ivanov Okafor Brandt Rahman Visser Tanaka Aziz Keller Moreno Karimi Nilsson Conti Malik "
            "Wozniak Dahl Vargas Popescu Hassan Ferrari Sokolov Meyer Jansen Larsen Ortega Siddiqui Fischer Dubois "
            "Bauer Holm Nasser Horvat Santos Varga Krause Bensaid Peeters Lund Castillo Jovanovic Marek Costa"
        ),
        domains=_items(
            "brightmail.example, postbox.example, northpost.example, quickmail.example, riverinbox.example, "
            "mailhaus.example, letterly.example, inboxlane.example"
        ),
        companies=_items(
            "Alder Bakery, Bluefin Logistics, Cedar Clinic, Dockside Studio, Elm Street Dental, Fernhill Farms, "
            "Granite Works, Harbor Books, Ironleaf Media, Juniper Travel, Kestrel Optics, Lakeview School"
        ),
        models=_items("Orbit Hub, Orbit Cam, Lumen Plug, Lumen Strip, Terra Sensor, Terra Gate"),
        countries=_items("Germany, Poland, Italy, Spain, Brazil, Turkey, Japan, Kenya"),
        low=10000,
        high=60000,
    ),
    "validation": Pool(
        first=_words(
            "Adele Bogdan Chiara Dmitri Esther Farid Gemma Hiroshi Irena Jamal Kirsten Lorenzo Manuela Nikolai Ottilie "
            "Pascal Quentin Renata Soren Tamara Ulrich Valeria Wanda Xavier"
        ),
        last=_words(
            "Abbott Bjork Cardoso Drummond Eriksen Fontaine Gallo Hoffmann Ishikawa Jensen Kaplan Lombardi Mbeki "
            "Nowak Osei Prescott Quintero Rinaldi Steiner Tkachenko"
        ),
        domains=_items("paperplane.example, mailcove.example, swiftletter.example"),
        companies=_items("Maple Motors, Nettle Gardens, Opal Insurance, Pebble Design"),
        models=_items("Polar Bridge, Polar Lamp, Ridge Meter"),
        countries=_items("Austria, Mexico, Vietnam, Norway"),
        low=60000,
        high=70000,
    ),
    "test": Pool(
        first=_words(
            "Agnes Baptiste Celeste Duncan Edith Fabrice Gwen Hamza Isolde Jerome Kavita Leopold Margot Nestor Odette "
            "Piotr Rania Sebastian Thea Umar Violet Wesley Yasmin Zachary Beatrix Cormac Dorothea Ezra Florence "
            "Gideon Harriet Ivo Jolanta Kenji Lucille Magnus"
        ),
        last=_words(
            "Archer Beaumont Carmichael Delacroix Eastwood Fitzgerald Grimaldi Hawthorne Iglesias Jacobsen Kowalczyk "
            "Lefevre Macleod Nakamura Oyelaran Papadakis Quigley Rasmussen Stavros Thackeray Underhill Villanueva "
            "Whitaker Yilmaz Zimmermann Blackwood Christensen Donovan Espinoza Gupta"
        ),
        domains=_items(
            "cloudpost.example, mailharbor.example, openletter.example, pinemail.example, dailypost.example"
        ),
        companies=_items(
            "Quarry Cycles, Redwood Legal, Saffron Kitchen, Tidewater Labs, Umber Pottery, Violet Events"
        ),
        models=_items("Summit Relay, Summit Lens, Breeze Outlet, Breeze Monitor"),
        countries=_items("Portugal, Greece, Canada, Thailand, Chile, Egypt"),
        low=70000,
        high=100000,
    ),
}


def address(first: str, last: str, domain: str, style: int) -> str:
    """An e-mail address in one of three styles."""
    first, last = first.lower(), last.lower()
    local = (f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}")[style]
    return f"{local}@{domain}"
