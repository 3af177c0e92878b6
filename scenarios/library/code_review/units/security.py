"""Units with security defects, and their harmless doubles."""

from __future__ import annotations

from scenarios.library.code_review.units.unit import SHIPPED, Unit, bad, fine

# fmt: off
UNITS: tuple[Unit, ...] = (
    bad("shell-injection", '''
import subprocess


def pack_NOUN(folder):
    """Pack a folder that the user named."""
    return subprocess.run("tar czf out.tgz " + folder, shell=True, check=True)
'''),
    bad("shell-injection", '''
import subprocess


def ping_NOUN(host):
    """Whether a host answers."""
    return subprocess.call(f"ping -c 1 {host}", shell=True) == 0
'''),
    fine("shell-injection", '''
import subprocess


def disk_of_NOUN():
    """Free space, as the system words it."""
    return subprocess.check_output("df -h | tail -n 1", shell=True)
'''),
    bad("pickle-load", '''
import pickle


def receive_NOUN(request):
    """What a client has sent."""
    return pickle.loads(request.body)
'''),
    fine("pickle-load", '''
import pickle


def NOUN_from_cache(cache):
    """What we stored ourselves a moment ago."""
    return pickle.loads(cache.read_bytes())
'''),
    bad("weak-hash", '''
import hashlib


def NOUN_password_hash(password):
    """What is stored in place of a password."""
    return hashlib.md5(password.encode()).hexdigest()
'''),
    bad("weak-hash", '''
import hashlib


def sign_NOUN(secret, body):
    """Signature of a message."""
    return hashlib.sha1(secret + body).hexdigest()
'''),
    fine("weak-hash", '''
import hashlib


def NOUN_etag(content):
    """A short mark by which browsers know that nothing changed."""
    return hashlib.md5(content).hexdigest()
'''),
    fine("weak-hash", '''
import hashlib


def NOUN_cache_key(url):
    """Name of the file that an answer is kept in."""
    return hashlib.sha1(url.encode()).hexdigest()
'''),
    bad("weak-random", '''
import random


def NOUN_reset_token():
    """What a user gets to choose a new password."""
    return str(random.randint(100000, 999999))
'''),
    bad("weak-random", '''
import random


def new_NOUN_session():
    """Identifier of a session."""
    return "".join(random.choices("abcdef0123456789", k=32))
'''),
    fine("weak-random", '''
import random


def NOUN_retry_delay(attempt):
    """Seconds to wait, spread so that clients do not come all at once."""
    return random.uniform(0, 2**attempt)
'''),
    fine("weak-random", '''
import random


def NOUN_sample(rows, size):
    """A few rows to look at."""
    return random.sample(rows, size)
'''),
    bad("yaml-load", '''
import yaml


def read_NOUN_settings(text):
    """Settings that were uploaded."""
    return yaml.load(text, Loader=yaml.Loader)
'''),
    bad("sql-injection", '''
def find_NOUN(cursor, name):
    """Rows with a name."""
    cursor.execute(f"SELECT id FROM NOUN WHERE name = '{name}'")
    return cursor.fetchall()
'''),
    bad("sql-injection", '''
def delete_NOUN(cursor, key):
    """Remove one row."""
    cursor.execute("DELETE FROM NOUN WHERE id = " + key)
'''),
    fine("sql-injection", '''
TABLE = "NOUN_rows"


def count_NOUN(cursor):
    """Number of rows."""
    cursor.execute(f"SELECT count(*) FROM {TABLE}")
    return cursor.fetchone()[0]
'''),
    bad("hardcoded-password", '''
def connect_NOUN(client):
    """A connection to the store."""
    password = "x9!kT72mQ"
    return client.login("service", password)
''', SHIPPED),
    fine("hardcoded-password", '''
def NOUN_form():
    """Fields of the sign-in form."""
    password_label = "password"
    return ["name", password_label]
''', SHIPPED),
    fine("hardcoded-password", '''
def test_NOUN_login(client):
    """Signing in works."""
    password = "x9!kT72mQ"
    assert client.login("somebody", password) == "ok"
''', ("test",)),
    bad("bind-all", '''
def serve_NOUN(server):
    """Wait for requests."""
    server.listen("0.0.0.0", 8080)
    return server
'''),
    fine("bind-all", '''
def serve_in_container_NOUN(server):
    """Wait for requests inside the container."""
    server.listen("0.0.0.0", 8080)  # nosec B104 - only the container's network sees it
    return server
'''),
    bad("tmp-path", '''
def NOUN_scratch(name):
    """Where half-done work is kept."""
    return "/tmp/" + name
''', SHIPPED),
    fine("tmp-path", '''
def test_NOUN_scratch(store):
    """The store accepts a folder."""
    assert store.use("/tmp/store") == "ok"
''', ("test",)),
    bad("no-cert-check", '''
import requests


def fetch_NOUN(url):
    """What another service knows."""
    return requests.get(url, verify=False, timeout=10).json()
'''),
    bad("no-timeout", '''
import requests


def NOUN_status(url):
    """Status code of a page."""
    return requests.get(url).status_code
'''),
    bad("eval-used", '''
def NOUN_formula(text, names):
    """Value of a formula that the user typed."""
    return eval(text, names)
'''),
    fine("eval-used", '''
def NOUN_annotation(text, names):
    """The type behind an annotation of our own code."""
    return eval(text, names)  # nosec B307 - text comes from our own source files
'''),
    bad("xml-parse", '''
from xml.etree import ElementTree


def NOUN_from_xml(body):
    """Root element of what a partner has sent."""
    return ElementTree.fromstring(body)
'''),
    bad("open-permissions", '''
import os


def publish_NOUN(path):
    """Let the other services read a file."""
    os.chmod(path, 0o777)
    return path
'''),
    bad("debug-server", '''
from flask import Flask


def run_NOUN_site(name):
    """Start the site."""
    app = Flask(name)
    app.run(debug=True)
'''),
    bad("assert-check", '''
def withdraw_NOUN(account, amount):
    """Take money out of an account."""
    assert amount <= account.balance
    account.balance -= amount
    return account
''', SHIPPED),
    fine("assert-check", '''
def NOUN_name(record):
    """Name of a record that is known to be there."""
    assert record is not None
    return record.name
''', SHIPPED),
    fine("assert-check", '''
def test_NOUN_total(basket):
    """Two of them cost twice as much."""
    assert basket.total(2) == 2 * basket.total(1)
''', ("test",)),
    bad("url-open", '''
from urllib.request import urlopen


def preview_NOUN(address):
    """First bytes of a page that a user linked to."""
    return urlopen(address, timeout=5).read(200)
'''),
    fine("url-open", '''
from urllib.request import urlopen


def NOUN_rates():
    """Today's rates, as the bank publishes them."""
    return urlopen("https://rates.example.org/daily", timeout=5).read()
'''),
    bad("no-autoescape", '''
from jinja2 import Environment


def NOUN_page(loader, title):
    """A page with a title."""
    return Environment(loader=loader).get_template("page").render(title=title)
'''),
    bad("tar-extract", '''
import tarfile


def unpack_NOUN(path, target):
    """Unpack what was uploaded."""
    with tarfile.open(path) as archive:
        archive.extractall(target)
'''),
    bad("make-temp", '''
import tempfile


def NOUN_draft():
    """Name of a file for a draft."""
    return tempfile.mktemp(suffix=".txt")
'''),
    bad("no-tls-check", '''
import ssl


def NOUN_context():
    """How to talk to the mail server."""
    return ssl._create_unverified_context()
'''),
    fine("subprocess-call", '''
import subprocess


def NOUN_revision():
    """The commit that is checked out."""
    return subprocess.run(["/usr/bin/git", "rev-parse", "HEAD"], check=True)
'''),
    fine("subprocess-call", '''
import subprocess


def convert_NOUN(source, target):
    """Turn one picture into another format."""
    return subprocess.run(["/usr/bin/convert", source, target], check=True)
'''),
)
