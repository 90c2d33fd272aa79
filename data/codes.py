"""The codes that regions are known by: ISO 3166-1, and the postal codes of the United States by FIPS number.

Tables only, looked up by the scripts that make the sample layers. Ids of our own, for what has no code, begin
with `x-` (or hold `-x-` after a country), which no ISO code does; `slug` makes the rest from a name.
"""

from __future__ import annotations

import re
import unicodedata


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


ALPHA_2 = _pairs(
    """
    004 AF  008 AL  010 AQ  012 DZ  016 AS  020 AD  024 AO  028 AG  031 AZ  032 AR  036 AU  040 AT
    044 BS  048 BH  050 BD  051 AM  052 BB  056 BE  060 BM  064 BT  068 BO  070 BA  072 BW  076 BR
    084 BZ  086 IO  090 SB  092 VG  096 BN  100 BG  104 MM  108 BI  112 BY  116 KH  120 CM  124 CA
    132 CV  136 KY  140 CF  144 LK  148 TD  152 CL  156 CN  158 TW  170 CO  174 KM  178 CG  180 CD
    184 CK  188 CR  191 HR  192 CU  196 CY  203 CZ  204 BJ  208 DK  212 DM  214 DO  218 EC  222 SV
    226 GQ  231 ET  232 ER  233 EE  234 FO  238 FK  239 GS  242 FJ  246 FI  248 AX  250 FR  258 PF
    260 TF  262 DJ  266 GA  268 GE  270 GM  275 PS  276 DE  288 GH  292 GI  296 KI  300 GR  304 GL
    308 GD  316 GU  320 GT  324 GN  328 GY  332 HT  334 HM  336 VA  340 HN  344 HK  348 HU  352 IS
    356 IN  360 ID  364 IR  368 IQ  372 IE  376 IL  380 IT  384 CI  388 JM  392 JP  398 KZ  400 JO
    404 KE  408 KP  410 KR  414 KW  417 KG  418 LA  422 LB  426 LS  428 LV  430 LR  434 LY  438 LI
    440 LT  442 LU  446 MO  450 MG  454 MW  458 MY  462 MV  466 ML  470 MT  478 MR  480 MU  484 MX
    492 MC  496 MN  498 MD  499 ME  500 MS  504 MA  508 MZ  512 OM  516 NA  520 NR  524 NP  528 NL
    531 CW  533 AW  534 SX  540 NC  548 VU  554 NZ  558 NI  562 NE  566 NG  570 NU  574 NF  578 NO
    580 MP  581 UM  583 FM  584 MH  585 PW  586 PK  591 PA  598 PG  600 PY  604 PE  608 PH  612 PN
    616 PL  620 PT  624 GW  626 TL  630 PR  634 QA  642 RO  643 RU  646 RW  652 BL  654 SH  659 KN
    660 AI  662 LC  663 MF  666 PM  670 VC  674 SM  678 ST  682 SA  686 SN  688 RS  690 SC  694 SL
    702 SG  703 SK  704 VN  705 SI  706 SO  710 ZA  716 ZW  724 ES  728 SS  729 SD  732 EH  740 SR
    748 SZ  752 SE  756 CH  760 SY  762 TJ  764 TH  768 TG  776 TO  780 TT  784 AE  788 TN  792 TR
    795 TM  796 TC  798 TV  800 UG  804 UA  807 MK  818 EG  826 GB  831 GG  832 JE  833 IM  834 TZ
    840 US  850 VI  854 BF  858 UY  860 UZ  862 VE  876 WF  882 WS  887 YE  894 ZM
    """
)
"""ISO 3166-1: numeric code (three digits, as text) to alpha-2."""

COUNTRIES_WITHOUT_CODE = {
    "Akrotiri": "x-akrotiri",
    "Ashmore and Cartier Is.": "x-ashmore-and-cartier-islands",
    "Baikonur": "x-baikonur",
    "Bajo Nuevo Bank": "x-bajo-nuevo-bank",
    "Clipperton I.": "CP",
    "Coral Sea Is.": "x-coral-sea-islands",
    "Cyprus U.N. Buffer Zone": "x-cyprus-un-buffer-zone",
    "Dhekelia": "x-dhekelia",
    "Indian Ocean Ter.": "x-indian-ocean-territories",
    "Kosovo": "XK",
    "N. Cyprus": "x-northern-cyprus",
    "Scarborough Reef": "x-scarborough-reef",
    "Serranilla Bank": "x-serranilla-bank",
    "Siachen Glacier": "x-siachen-glacier",
    "Somaliland": "x-somaliland",
    "Spratly Is.": "x-spratly-islands",
    "USNB Guantanamo Bay": "x-guantanamo-bay",
}
"""Features of world-atlas that have no code of their own, by name. XK is user-assigned, CP exceptionally
reserved. Ashmore and Cartier bears Australia's 036 in the file; the Indian Ocean Territories are Christmas
(CX) and Cocos (CC) together."""

STATES = _pairs(
    """
    01 AL  02 AK  04 AZ  05 AR  06 CA  08 CO  09 CT  10 DE  11 DC  12 FL  13 GA  15 HI
    16 ID  17 IL  18 IN  19 IA  20 KS  21 KY  22 LA  23 ME  24 MD  25 MA  26 MI  27 MN
    28 MS  29 MO  30 MT  31 NE  32 NV  33 NH  34 NJ  35 NM  36 NY  37 NC  38 ND  39 OH
    40 OK  41 OR  42 PA  44 RI  45 SC  46 SD  47 TN  48 TX  49 UT  50 VT  51 VA  53 WA
    54 WV  55 WI  56 WY  60 AS  66 GU  69 MP  72 PR  78 VI
    """
)
"""The first two digits of a county's FIPS code to the postal code of its state or territory."""

_PLAIN = str.maketrans(_pairs("ß ss æ ae ð d þ th ø o Ø O ł l Ł L đ d Đ D ı i ə a Ə A"))


def plain(name: str) -> str:
    """Return a name in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


def slug(name: str) -> str:
    """Return the words of a name joined by hyphens: "Île d'Yeu" becomes "ile-dyeu"."""
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"['`’‘ʻʼ]", "", plain(name))))
