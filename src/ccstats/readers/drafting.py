"""A first mapping for a file, guessed from its header and its first rows, for its owner to finish."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ccstats.errors import FormatError
from ccstats.periods import check_timezone
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.files import open_sources
from ccstats.readers.instants import to_instants
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.values import to_seconds, to_text

__all__ = ["draft_mapping"]

_ROWS = 500
_TITLES = 20

#: Names that columns have in exports (English, German, Turkish, Spanish), without accents, blanks and case; the likelier first.
_NAMES: dict[str, tuple[str, ...]] = {
    "contact_id": (
        "contactid", "callid", "conversationid", "interactionid", "sessionid", "uniqueid", "ucid", "ticketid", "anrufid", "kontaktid",
        "vorgangsid", "gesprachsid", "cagriid", "aramaid", "cagrino", "gorusmeid", "idllamada", "llamadaid", "idcontacto", "call",
        "idinteraccion", "id",
    ),
    "queue": (
        "queue", "queuename", "skill", "skillname", "split", "skillgroup", "servicequeue", "campaign", "warteschlange", "gruppe", "hotline",
        "kuyruk", "kuyrukadi", "beceri", "cola", "nombrecola", "coladeespera", "campana", "service", "servicio",
    ),
    "agent": (
        "agent", "agentname", "agentid", "user", "username", "operator", "answeredby", "mitarbeiter", "bearbeiter", "benutzer", "agente",
        "nombreagente", "operador", "temsilci", "musteritemsilcisi", "personel", "ajan",
    ),
    "arrived_at": ("arrivedat", "arrivaltime", "arrived", "initiationtimestamp", "callarrival", "eingang", "geliszamani", "llegada"),
    "queued_at": (
        "queuedat", "queuetimestamp", "queuestart", "entertime", "enqueued", "enqueuetime", "starttime", "startedat", "start", "datetime",
        "timestamp", "calldate", "anrufzeit", "beginn", "startzeit", "anrufbeginn", "warteschlangebeginn", "zeitpunkt", "kuyrugagiris",
        "kuyrukgiriszamani", "baslangic", "baslangiczamani", "aramazamani", "tarihsaat", "inicio", "horainicio", "fechainicio", "fechahora",
        "entradacola", "date", "datum", "tarih", "fecha",
    ),
    "answered_at": (
        "answeredat", "answertime", "answered", "connecttime", "connectedtoagenttimestamp", "angenommen", "annahmezeit", "annahme",
        "cevaplanmazamani", "cevapzamani", "yanitlanma", "contestada", "horacontestacion", "atendida",
    ),
    "left_at": ("leftat", "abandontime", "abandonedat", "aufgelegt", "kuyruktancikis", "horaabandono"),
    "ended_at": ("endedat", "endtime", "end", "disconnecttimestamp", "hanguptime", "ende", "endzeit", "bitiszamani", "fin", "horafin"),
    "outcome": (
        "outcome", "result", "status", "callresult", "callstatus", "calltype", "disposition", "ergebnis", "anrufstatus", "sonuc", "durum",
        "cagridurumu", "resultado", "estado", "tipificacion",
    ),
    "wait_s": (
        "wait", "waits", "waittime", "waitingtime", "queuetime", "timeinqueue", "queuewait", "speedofanswer", "asa", "wartezeit",
        "wartedauer", "bekleme", "beklemesuresi", "kuyruksuresi", "espera", "tiempoespera", "tiempoencola", "tiempodeespera",
    ),
    "ring_s": (
        "ring", "rings", "ringtime", "ringduration", "klingelzeit", "klingeldauer", "calma", "calmasuresi", "timbrado", "tiempotimbrado",
    ),
    "talk_s": (
        "talk", "talks", "talktime", "calltime", "talkduration", "conversationtime",
        "gesprach", "gesprachszeit", "gesprachsdauer", "sprechzeit",
        "konusma", "konusmasuresi", "gorusmesuresi", "conversacion", "tiempoconversacion", "tiempohablado",
    ),
    "hold_s": ("hold", "holds", "holdtime", "onhold", "holdduration", "haltezeit", "haltedauer", "tutma", "bekletmesuresi", "retencion"),
    "wrap_s": (
        "wrap", "wraps", "wraptime", "wrapup", "wrapuptime", "acw", "acwtime", "aftercallwork", "aftercontactwork", "nachbearbeitung",
        "nachbearbeitungszeit", "nacharbeit", "cagrisonrasi", "cagrisonrasisure", "postllamada", "tiempopostllamada",
    ),
    "ivr_s": ("ivr", "ivrtime", "ivrduration", "menutime", "sesliyanit"),
    "channel": ("channel", "media", "mediatype", "kanal", "medium", "canal"),
    "direction": ("direction", "calldirection", "richtung", "yon", "aramayonu", "direccion"),
    "customer": (
        "customer", "customerid", "caller", "callerid", "callernumber", "ani", "from", "phone", "anrufer", "rufnummer", "kunde",
        "kundennummer", "arayan", "arayannumara", "musteri", "musterino", "telefon", "cliente", "telefono", "numero", "origen",
    ),
    "dnis": ("dnis", "did", "to", "destination", "diallednumber", "zielrufnummer", "aranannumara", "destino"),
    "reason": ("reason", "callreason", "topic", "grund", "anrufgrund", "konu", "nedeni", "motivo"),
}  # fmt: skip

#: Beginnings of outcome words and our word for them; the first that fits, so the narrower stand before the wider.
_OUTCOMES = (
    (
        "unanswered notanswered nichtangenommen nichtbeantwortet cevapsiz cevaplanma yanitsiz nocontestad noatendid noanswer missed "
        "verpasst perdid kacan",
        "abandoned",
    ),
    ("aband lost hangup hungup hang aufgelegt abgebrochen terk vazgec abandon verloren", "abandoned"),
    ("callback ruckruf geriarama devolucion", "callback"),
    ("voicemail mailbox anrufbeantworter seslimesaj buzon", "voicemail"),
    ("timeout timedout zeituberschreitung zamanasimi exitwithtimeout tiempoagotado", "timed_out"),
    ("overflow uberlauf tasma desbord transferredqueue", "overflowed"),
    ("closed geschlossen kapali cerrado outofhours", "blocked_closed"),
    ("busy full besetzt mesgul dolu ocupad", "blocked_full"),
    ("fail error fehler hata fallid", "failed"),
    ("answer handled connect complet served success angenommen beantwortet erledigt cevap yanit karsila contest atendid", "answered"),
)
_DIRECTIONS = (("in ein gelen entra", "inbound"), ("out aus giden sal", "outbound"))
_TIMES = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
)  # fmt: skip
#: Words that exports write for "not known".
_MISSING = ("-", "--", "NULL", "null", "N/A", "n/a", "#N/A", "None", "NaN", "nan")
_INSTANTS = ("arrived_at", "queued_at", "answered_at", "left_at", "ended_at")


def draft_mapping(source: Any, *, timezone: str | None = None) -> str:
    r"""Draft a mapping for a file of any format, as TOML text for its owner to finish.

    Columns are guessed by their names in English, German, Turkish and Spanish, and by what their first rows hold. Everything that was
    guessed is said in a comment; what could not be guessed stands there as a comment to fill in.

    Parameters
    ----------
    source : path, open file, bytes or frame
        The file, as for `read`; only the first is looked at.
    timezone : str, optional
        Zone of its clock.

    Returns
    -------
    str
        Valid TOML. Save it, correct it, and give its path (or the text itself) as ``mapping=`` to `read`.

    Raises
    ------
    FormatError
        If the file is empty or holds no table.
    SourceMissingError, ZoneError
        As for `read`.

    See Also
    --------
    read : reads the file with the mapping.

    Examples
    --------
    >>> import ccstats as cc
    >>> file = b"Anruf-ID;Warteschlange;Beginn;Wartezeit;Ergebnis\n1;Service;01.03.2024 09:00:00;0:00:12;Angenommen\n"
    >>> text = cc.draft_mapping(file, timezone="Europe/Berlin")
    >>> cc.read(file, mapping=text).contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'Service', 'outcome': 'answered', 'wait_s': 12.0}]
    """
    if timezone is not None:
        check_timezone(timezone)
    opened = open_sources(source)[0]
    account = Account(Options(timezone))
    # Title rows stand above the header in many exports: the header is the row that most of our names are found in.
    skip, names = 0, -1
    for above in range(_TITLES if opened.frame is None else 1):
        found = _familiar(read_grid(opened, Layout(skip_rows=above), account, rows=1).header)
        if found > names:
            skip, names = above, found
    grid = read_grid(opened, Layout(skip_rows=skip), account, rows=_ROWS)
    if not grid.header:
        raise FormatError(f"{opened.name} is empty: there is no header to draft a mapping from")
    missing = _missing_words(grid)
    columns = _guessed(grid, missing)
    return "\n".join(_lines(opened.name, grid, columns, skip, missing, timezone)) + "\n"


def _familiar(header: list[str]) -> int:
    """How many of these names are like one of ours."""
    known = {alias for aliases in _NAMES.values() for alias in aliases}
    return sum(any(word == alias or (len(alias) > 4 and alias in word) for alias in known) for word in map(_plain, header) if word)


def _missing_words(grid: Grid) -> tuple[str, ...]:
    cells = {word for column in grid.columns.values() for word in to_text(column).dropna().unique()}
    return tuple(word for word in _MISSING if word in cells)


def _plain(name: str) -> str:
    """A name without accents, case, blanks and signs."""
    folded = unicodedata.normalize("NFKD", name.replace("ı", "i").replace("İ", "I").replace("ß", "ss"))
    return re.sub(r"[^a-z0-9]", "", folded.encode("ascii", "ignore").decode().casefold())


def _guessed(grid: Grid, missing: tuple[str, ...]) -> dict[str, str]:
    """Our column and theirs: exact names first, then names that contain one of ours."""
    plain = {name: _plain(name) for name in grid.header if name and name not in grid.repeated}
    taken: dict[str, str] = {}
    for exact in (True, False):
        for ours, aliases in _NAMES.items():
            for alias in aliases if ours not in taken else ():
                fits = [
                    name
                    for name, word in plain.items()
                    if name not in taken.values() and (word == alias if exact else len(alias) > 4 and alias in word)
                ]
                fits = [name for name in fits if _suits(ours, name, grid.columns[name], missing)]
                if fits:
                    taken[ours] = fits[0]
                    break
    return taken


def _suits(ours: str, name: str, column: pd.Series, missing: tuple[str, ...]) -> bool:
    """Whether the first rows can be what the name says."""
    text = to_text(column, missing)
    if text.notna().sum() == 0:
        return True
    if ours in _INSTANTS:
        return _time_written(column, missing) is not None
    if ours.endswith("_s"):
        return _unit(name, column, missing) is not None
    return not (ours in ("queue", "outcome", "channel", "direction") and len(text) >= 50 and text.nunique() > 0.5 * text.notna().sum())


def _mostly(bad: Any, there: pd.Series) -> bool:
    return int(bad.sum()) <= 0.1 * int(there.sum())


def _time_written(column: pd.Series, missing: tuple[str, ...]) -> str | None:
    text = to_text(column, missing)
    there = text.notna()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "iso"
    numbers = text[there & text.str.fullmatch(r"\d+(\.\d+)?", na=False)].astype("float64")
    if there.any() and len(numbers) >= 0.9 * there.sum():
        middle = float(numbers.median())
        for written, low, high in (("epoch_s", 3e8, 5e9), ("epoch_ms", 3e11, 5e12), ("epoch_us", 3e14, 5e15), ("excel_days", 2e4, 8e4)):
            if low < middle < high:
                return written
    for written in ("iso", *_TIMES):
        if _mostly(to_instants(column, written, timezone="UTC", missing=missing)[1], there):
            return written
    return None


def _unit(name: str, column: pd.Series, missing: tuple[str, ...]) -> str | None:
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return "s"
    text = to_text(column, missing)
    for unit in ("h:mm:ss", "mm:ss"):
        if text.notna().any() and _mostly(to_seconds(column, unit, missing=missing).bad, text.notna()):
            return unit
    for decimal in (".", ","):
        parsed = to_seconds(column, "s", missing=missing, decimal=decimal)
        if _mostly(parsed.bad, text.notna()):
            values = parsed.values.dropna()
            said = re.search(r"(?:[\s_(\[]|^)(ms|min|minuten|minutes|dk|minutos)\.?[)\]]?$", name.strip().casefold())
            if said:
                return "ms" if said[1] == "ms" else "min"
            # Waits and talks of many minutes on average are more likely milliseconds; fractions of a day are Excel's.
            if len(values) and values.median() >= 7200:
                return "ms"
            if len(values) and 0 < values.max() < 1:
                return "excel_days"
            return "s"
    return None


def _word(word: str, table: tuple[tuple[str, str], ...]) -> str | None:
    plain = _plain(word)
    return next((ours for starts, ours in table if any(start in plain for start in starts.split())), None) if plain else None


def _quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = "".join({"\\": "\\\\", '"': '\\"'}.get(sign, sign) if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in text)
    return f'"{escaped}"'


def _comment(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _lines(name: str, grid: Grid, columns: dict[str, str], skip: int, missing: tuple[str, ...], timezone: str | None) -> Iterator[str]:
    yield f"# Mapping for {_comment(name)}, drafted by ccstats: check every line marked CHECK, fill in every line marked FILL IN."
    yield 'table = "contacts"  # or "agent_states"'
    yield ""
    texts = {ours: to_text(grid.columns[theirs], missing) for ours, theirs in columns.items()}
    comma = any(values.str.fullmatch(r"\d+,\d+", na=False).any() for ours, values in texts.items() if ours.endswith("_s"))
    if skip or comma or missing:
        yield "[source]"
        if skip:
            yield f"skip_rows = {skip}  # CHECK: title rows above the header"
        if comma:
            yield 'decimal = ","'
        if missing:
            yield f'missing = [{", ".join(map(_quoted, missing))}]  # CHECK: words for "not known"'
        yield ""

    instants = {ours: _time_written(grid.columns[columns[ours]], missing) for ours in columns if ours in _INSTANTS}
    yield "[clock]"
    if timezone is not None:
        yield f"timezone = {_quoted(timezone)}"
    else:
        yield '# timezone = "Europe/Istanbul"  # FILL IN unless the times are UTC, epochs, or carry an offset'
    yield ""

    yield '[columns]  # ours = "theirs"'
    for ours, theirs in columns.items():
        why = "" if _plain(theirs) == ours.replace("_", "") else "  # CHECK"
        if ours == "queued_at" and "arrived_at" not in columns:
            why = "  # CHECK: when the contact joined the queue, not when it reached the platform"
        yield f"{ours} = {_quoted(theirs)}{why}"
    for ours in ("queue", "queued_at", "outcome"):
        if ours not in columns:
            yield f'# {ours} = "…"  # FILL IN'
    if not {"wait_s", "answered_at"} & set(columns):
        yield '# wait_s = "…"  # FILL IN (what Asterisk calls holdtime is the wait, not hold_s), or answered_at and left_at'
    if "contact_id" not in columns:
        yield '# contact_id = "…"  # without it a contact is known by its file and row'
    left = [each for each in grid.header if each and each not in columns.values()]
    if left:
        yield f"# not used: {_comment(', '.join(left))}"
    yield ""

    units = {ours: written for ours, written in instants.items() if written and written != "iso"}
    units |= {ours: _unit(theirs, grid.columns[theirs], missing) or "s" for ours, theirs in columns.items() if ours.endswith("_s")}
    yield "# durations: s, ms, us, min, h, h:mm:ss, mm:ss, h:mm, excel_days"
    yield "# instants: iso, epoch_s, epoch_ms, epoch_us, excel_days, or a format such as %d.%m.%Y %H:%M:%S"
    yield "[units]"
    for ours, unit in units.items():
        day = "%d" in unit and ("/" in unit or "-" in unit) and not unit.startswith("%Y")
        why = "  # CHECK: day before month, or month before day?" if day else "  # CHECK" if unit in ("ms", "excel_days", "mm:ss") else ""
        yield f"{ours} = {_quoted(unit)}{why}"
    yield ""

    if "outcome" in columns:
        yield '[outcomes]  # theirs = "ours"; "" is blank, "*" is every other word'
        for word in sorted(texts["outcome"].dropna().unique())[:100]:
            guess = _word(word, _OUTCOMES)
            yield f"{_quoted(word)} = {_quoted(guess or 'unknown')}  # {'CHECK' if guess else 'FILL IN: what became of these contacts?'}"
        if texts["outcome"].isna().any():
            yield '"" = "unknown"  # FILL IN: what became of contacts whose outcome is blank?'
        yield ""
    if "direction" in columns:
        yield "[words.direction]"
        for word in sorted(texts["direction"].dropna().unique())[:20]:
            guess = _word(word, _DIRECTIONS)
            yield f"{_quoted(word)} = {_quoted(guess or 'inbound')}  # {'CHECK' if guess else 'FILL IN'}"
        yield ""
    constants = {"channel": "voice", "direction": "inbound"}
    yield "[constants]"
    for ours, value in constants.items():
        if ours not in columns:
            yield f"{ours} = {_quoted(value)}  # CHECK"
