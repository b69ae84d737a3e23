extension Style {
  /// Colours, type, head, table and filter.
  static let base = #"""
    :root{color-scheme:light dark;
     --page:#faf9f6;--card:#fff;--well:#f2f0eb;--rule:#e2dfd8;--edge:#85878c;--ink:#1a1c20;
       --soft:#565a62;
     --accent:#0b5f80;--warm:#a8500f;--good:#1f6b3a;--bad:#a3231c;--hold:#7a5300;
     --sans:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
     --serif:Charter,"Bitstream Charter","Iowan Old Style","Sitka Text","Noto Serif",Georgia,
       serif;
     --mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
     --s1:4px;--s2:8px;--s3:12px;--s4:16px;--s5:24px;--s6:40px;
     --t1:.75rem;--t2:.8125rem;--t3:.875rem;--t4:1rem;--t5:1.25rem;--t6:1.5rem}
    @media(prefers-color-scheme:dark){:root{
     --page:#121417;--card:#191c20;--well:#22262b;--rule:#2f343a;--edge:#747a83;--ink:#eceae5;
       --soft:#a9adb4;
     --accent:#74c4e4;--warm:#f0a566;--good:#7fce9a;--bad:#ff9a90;--hold:#e6bd5c}}
    *{box-sizing:border-box}
    html{scroll-padding-top:4rem;-webkit-text-size-adjust:100%;text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--ink);font:var(--t4)/1.5 var(--sans);
      font-variant-numeric:tabular-nums lining-nums}
    .wrap{max-width:1600px;margin:0 auto;padding:0 clamp(16px,2vw,32px)}
    h1,h2,h3,p,dl,dd,figure,blockquote,ol,fieldset,pre{margin:0;padding:0}
    a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:.18em}
    a:hover{text-decoration-thickness:2px}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
    code,kbd,pre,.id{font-family:var(--mono);font-size:.92em;font-variant-ligatures:none}
    .skip{position:absolute;left:-999px}
    .skip:focus{left:16px;top:8px;background:var(--card);padding:8px 12px;z-index:9}
    .sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
      white-space:nowrap}
    svg{overflow:visible}
    svg.clip{overflow:hidden}
    /* head */
    header{padding:var(--s6) 0 var(--s5)}
    .brand{display:flex;align-items:center;gap:var(--s3);color:var(--soft);font-size:var(--t3)}
    .brand svg{width:46px;height:26px;fill:var(--ink);flex:none}
    h1{font:500 clamp(1.75rem,1.2rem + 2.2vw,2.75rem)/1.12 var(--serif);letter-spacing:-.012em;
      margin:var(--s4) 0 var(--s3);max-width:25ch;text-wrap:balance}
    .lead{color:var(--soft);max-width:66ch;text-wrap:pretty}
    .top{display:grid;gap:var(--s5) var(--s6)}
    @media(min-width:1080px){.top{grid-template-columns:minmax(0,1fr) minmax(0,1fr);
      align-items:end}}
    .top.many{align-items:start}
    .totals{display:grid;grid-template-columns:repeat(2,1fr);border-top:1px solid var(--ink)}
    @media(min-width:560px){.totals{grid-template-columns:repeat(4,1fr)}}
    .totals div{padding:var(--s3) var(--s3) var(--s3) 0;border-bottom:1px solid var(--rule)}
    .totals dt,.facts dt{font-size:var(--t2);color:var(--soft)}
    .totals dd{font:500 var(--t6)/1.2 var(--serif)}
    .totals small{display:block;font:var(--t2)/1.4 var(--sans);color:var(--soft);margin-top:2px}
    .totals small.bad{color:var(--bad)}
    .totals .cond{grid-column:1/-1;border:0;padding-bottom:0}
    .totals .cond dd{font:var(--t2)/1.5 var(--sans)}
    .plates{display:flex;flex-wrap:wrap;gap:8px;list-style:none;margin:0 0 var(--s5);padding:0}
    .plates a{display:grid;place-items:center;width:56px;height:56px;overflow:hidden;
      background:var(--well);color:var(--ink);text-decoration:none;border-radius:2px}
    .plates a:hover{outline:2px solid var(--accent);outline-offset:1px}
    .plates img,.plates svg{display:block;width:56px;height:56px;image-rendering:pixelated}
    .plates .aa{font:500 24px/1 var(--serif)}
    .plates .no{stroke:var(--bad);stroke-width:2.5;stroke-linecap:round;fill:none}
    /* status */
    .st{display:inline-flex;align-items:center;gap:5px;font-size:var(--t2);white-space:nowrap;
      color:var(--soft)}
    .st svg{width:12px;height:12px;flex:none;stroke:currentColor;stroke-width:2;fill:none;
      stroke-linecap:round;stroke-linejoin:round}
    .st.ok svg{color:var(--good)}
    .st.failed{color:var(--bad);font-weight:650}
    .st.interrupted{color:var(--hold);font-weight:650}
    .st.running{color:var(--accent);font-weight:650}
    /* overview: the table is the chart */
    section>h2{font:500 var(--t6)/1.2 var(--serif);letter-spacing:-.005em}
    .over{padding:var(--s4) 0 var(--s6)}
    .key{display:flex;flex-wrap:wrap;gap:var(--s1) var(--s5);font-size:var(--t3);
      color:var(--soft);margin:var(--s2) 0 var(--s4);padding:0;list-style:none}
    .key li{display:flex;gap:9px;align-items:baseline}
    .key b{color:var(--ink);font-weight:600}
    .key svg{width:26px;height:12px;flex:none;align-self:center}
    .mk{color:var(--accent)}
    .mk *{vector-effect:non-scaling-stroke}
    table{border-collapse:collapse;width:100%;font-size:var(--t3)}
    th{font-weight:400;text-align:start}
    thead th{font-size:var(--t2);color:var(--soft);padding:0 var(--s3) var(--s1) 0;
      vertical-align:bottom}
    tbody th[scope=rowgroup]{padding:var(--s4) 0 3px;font-weight:600;font-size:var(--t3)}
    tbody:first-of-type th[scope=rowgroup]{padding-top:var(--s2)}
    th small,.soft{color:var(--soft);font-weight:400;font-size:var(--t2)}
    tr.r>*{border-top:1px solid var(--rule);padding:3px var(--s3) 3px 0;height:32px}
    tr.r:hover>*{background:color-mix(in srgb,var(--well) 60%,transparent)}
    td.n,th.n{text-align:end;white-space:nowrap}
    .name{white-space:nowrap;width:1%}
    .name a{color:var(--ink);text-decoration-color:var(--edge)}
    td.c{width:44%;padding:0!important;background:linear-gradient(to right,var(--rule) 1px,
      transparent 1px) 0 0/25% 100%;border-inline-end:1px solid var(--rule)}
    tr.r:hover td.c{background:linear-gradient(to right,var(--rule) 1px,
      transparent 1px) 0 0/25% 100%,color-mix(in srgb,var(--well) 60%,transparent)}
    td.c svg{display:block;width:100%;height:31px}
    td.t{color:var(--soft)}
    .axis{display:flex;justify-content:space-between;color:var(--soft)}
    .axis span{width:0;display:flex;justify-content:center;white-space:nowrap}
    th.ax{padding-right:0!important}
    .val{font-weight:600;padding-left:var(--s4)!important}
    .base .name,.base .val{color:var(--soft);font-weight:400}
    .fam{color:var(--soft)}
    .kind{white-space:nowrap}
    td.stc,th.stc{padding-left:var(--s4)!important;padding-right:0!important;width:1%}
    tr.r>*{transition:opacity .15s}
    td.soft b{color:var(--ink);font-weight:600}
    @media(max-width:1180px){.w1{display:none}}@media(max-width:960px){.w2{display:none}}
    /* filter */
    .bar{position:sticky;top:0;z-index:5;background:color-mix(in srgb,var(--page) 94%,
      transparent);backdrop-filter:blur(6px);border-block:1px solid var(--rule)}
    fieldset{border:0;display:flex;gap:6px;align-items:center;overflow-x:auto;padding:9px 3px;
      min-width:0;scrollbar-width:none}
    legend{float:left;font-size:var(--t2);color:var(--soft);padding:0;
      margin-inline-end:var(--s2);white-space:nowrap}
    fieldset label{position:relative;flex:none;border:1px solid var(--rule);
      background:var(--card);border-radius:99px;padding:4px 12px;font-size:var(--t2);
      cursor:pointer;white-space:nowrap;min-height:28px}
    fieldset label:hover{border-color:var(--edge)}
    fieldset label span{color:var(--soft)}
    fieldset label:has(:checked){background:var(--ink);color:var(--page);border-color:var(--ink)}
    fieldset label:has(:checked) span{color:inherit}
    fieldset label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
    fieldset input{position:absolute;opacity:0;width:1px;height:1px}
    .barrow{display:flex;align-items:center;gap:var(--s4)}
    .barrow form{flex:1;min-width:0}
    .barrow>a{font-size:var(--t2);white-space:nowrap}
    @supports not selector(:has(a)){.bar form{visibility:hidden}}
    /* a running row: how far it is */
    td.c progress{margin:0}
    td.c .far{display:grid;grid-template-columns:1fr auto;gap:var(--s3);align-items:center;
      padding:0 var(--s3);height:31px;background:var(--page);font-size:var(--t2);color:var(--soft)}
    .kindless{color:var(--soft)}

    """#
}
