"""How pages and the maps on them look: light or dark as the reader's system is, from a phone's width up.

Used by `page`. Invariant: text has a contrast of at least 4.5 to 1; what colours tell is told by words, lines or
patterns, too.
"""

from __future__ import annotations

_COLOURS = """
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2327;--soft:#59636b;--line:#e2dfd7;
--error:#b3261e;--warning:#8f4e00;--note:#1a5a9c;--fine:#1c6b3c;--error-bg:#fbe9e7;--warning-bg:#fcefd9;--note-bg:#e5eff9;
--fine-bg:#e3f3e8;--water:#eef2f3;--land:#e3e1d6;--edge:#a9aaa0;--name:#3d464c;--halo:#ffffffd9;
--c0:#dfe8d6;--c1:#efe3cd;--c2:#dce5ef;--c3:#efdcdc;--c4:#e4deef;--c5:#d5e8e6;--gain:#16794a;--loss:#b3261e}
@media(prefers-color-scheme:dark){:root{--paper:#15191c;--card:#1c2125;--ink:#e6e9ea;--soft:#a2adb4;--line:#30383d;
--error:#ff9a8f;--warning:#f4b866;--note:#8fc1f5;--fine:#7fd4a0;--error-bg:#3b201e;--warning-bg:#382a16;--note-bg:#182c40;
--fine-bg:#17301f;--water:#1a2024;--land:#333a3c;--edge:#687276;--name:#d5dbde;--halo:#15191ccc;
--c0:#364132;--c1:#453b2a;--c2:#2c3b4a;--c3:#463234;--c4:#3a3549;--c5:#294240;--gain:#6fdc9f;--loss:#ff9a8f}}
"""

_TEXT = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.sheet{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
.eyebrow{margin:0;color:var(--soft);font-size:.85rem;letter-spacing:.04em}
h1{font-size:2.1rem;line-height:1.2;margin:.1rem 0 .9rem;letter-spacing:-.015em}
h2{font-size:1.35rem;line-height:1.3;margin:3rem 0 .8rem;padding-top:1.2rem;border-top:1px solid var(--line)}
h3{font-size:1.1rem;margin:2.2rem 0 .3rem}h4{font-size:1rem;margin:0 0 .3rem;font-weight:600}
p{margin:.3rem 0;max-width:44rem}a{color:var(--note)}
:focus-visible{outline:3px solid var(--note);outline-offset:2px;border-radius:4px}
.verdict{display:inline-block;padding:.5rem .9rem;border-radius:.5rem;font-weight:600;max-width:none}
.next{color:var(--soft)}.error{color:var(--error)}.warning{color:var(--warning)}.note{color:var(--note)}
.fine{color:var(--fine)}.verdict.error{background:var(--error-bg)}.verdict.warning{background:var(--warning-bg)}
.verdict.note{background:var(--note-bg)}.verdict.fine{background:var(--fine-bg)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(13rem,100%),1fr));
gap:.9rem 1.5rem;margin:1.6rem 0}
dt{color:var(--soft);font-size:.82rem}dd{margin:0}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.45rem .7rem .45rem 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:500;color:var(--soft);font-size:.82rem}
td.many,th.many{text-align:right;white-space:nowrap}td[class]{white-space:nowrap}
.card h3{margin:0 0 .3rem}.severity{white-space:nowrap;font-weight:600;font-size:.82rem}
.remedy{border-left:3px solid var(--line);padding-left:.8rem;margin:.5rem 0 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.7rem;padding:1.1rem 1.2rem;margin:1rem 0}
.card dl{display:flex;flex-wrap:wrap;gap:.3rem 1.8rem;margin:.5rem 0}.card dl div{min-width:0}
.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr));gap:.9rem;margin:.9rem 0 0}
figure{margin:0}figcaption{font-size:.85rem;color:var(--soft);margin-top:.35rem}
details{margin:1rem 0}summary{cursor:pointer;color:var(--note)}details ul{padding-left:1.2rem}
.key{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;list-style:none;padding:0;margin:.6rem 0;
font-size:.88rem;color:var(--soft)}
.key svg{width:22px;height:14px;vertical-align:-2px;margin-right:.4rem}
@media(max-width:600px){.sheet{padding:1.5rem 1rem 3rem}h1{font-size:1.65rem}.card{padding:.9rem}}
@media print{.card{break-inside:avoid}}
"""

_MAPS = """
svg.map{display:block;width:100%;height:auto;border:1px solid var(--line);border-radius:.5rem;font:12px system-ui,
"Noto Sans","DejaVu Sans",sans-serif}
.map path,.map rect,.map circle,.sign path{vector-effect:non-scaling-stroke;stroke-linejoin:round}
.water{fill:var(--water)}.land{fill:var(--land);fill-rule:evenodd;stroke:var(--edge);stroke-width:.35}
.region{fill-rule:evenodd;stroke:var(--edge);stroke-width:.9}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}.c3{fill:var(--c3)}.c4{fill:var(--c4)}.c5{fill:var(--c5)}
.own{fill:none;stroke:var(--name);stroke-width:1.7}
.mark{fill-rule:evenodd;stroke-width:2;fill-opacity:.3}.mark.error{fill:var(--error);stroke:var(--error)}
.mark.warning{fill:var(--warning);stroke:var(--warning)}.mark.note{fill:var(--note);stroke:var(--note)}
.mark.dot{fill-opacity:1}.ring,.frame{fill:none!important;stroke-width:2}
.drawn{fill:var(--note);fill-opacity:.22;fill-rule:evenodd;stroke:var(--note);stroke-width:1.6}
.old{fill:none;stroke:var(--ink);stroke-width:1.6;stroke-dasharray:5 3}
.new{fill:none;stroke:var(--ink);stroke-width:1.6}
.gained{fill:url(#gained);fill-rule:evenodd;stroke:var(--gain);stroke-width:1.6}
.lost{fill:url(#lost);fill-rule:evenodd;stroke:var(--loss);stroke-width:1.6;stroke-dasharray:3 2}
.name{fill:var(--name);text-anchor:middle;paint-order:stroke;stroke:var(--halo);stroke-width:3px;stroke-linejoin:round}
.scale path{fill:none;stroke:var(--ink);stroke-width:1.4}.scale text{fill:var(--ink);paint-order:stroke;
stroke:var(--halo);stroke-width:3px}
.pin rect{stroke:var(--card);stroke-width:1.5}.pin text{fill:var(--card);text-anchor:middle;
font-weight:700;font-size:12.5px}
.pin.error rect{fill:var(--error)}.pin.warning rect{fill:var(--warning)}.pin.note rect{fill:var(--note)}
.pin:focus rect,.pin:hover rect{stroke:var(--ink);stroke-width:3}
@media(max-width:600px){.whole .pin g rect,.whole .pin g text{scale:1.9}.whole .scale text{font-size:26px}}
@media(forced-colors:active){svg.map{forced-color-adjust:none}}
"""

STYLE = "".join(f"{_COLOURS}{_TEXT}{_MAPS}".splitlines())
