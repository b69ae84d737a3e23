extension Style {
  /// Cards and everything that stands in them.
  static let cards = #"""
    /* cards */
    .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,492px),1fr));
      gap:0 20px;padding:var(--s5) 0}
    .m{grid-row:span 6;display:grid;grid-template-rows:subgrid;grid-template-columns:minmax(0,
      1fr);background:var(--card);border:1px solid var(--rule);border-radius:6px;
      padding:var(--s4);margin-bottom:20px;scroll-margin-top:4rem}
    .m:target{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
    .m.failed{border-top:3px solid var(--bad);padding-top:14px}
    .m.interrupted{border-top:3px solid var(--hold);padding-top:14px}
    .hd{display:flex;justify-content:space-between;gap:var(--s3);align-items:baseline;
      padding-bottom:var(--s2)}
    .hd h3{font:500 var(--t5)/1.25 var(--serif);overflow-wrap:anywhere}
    .hd .fam{font-size:var(--t2);display:flex;flex-wrap:wrap;gap:0 var(--s2)}
    .idea{padding-bottom:var(--s4)}
    .idea p{font-size:var(--t4);line-height:1.5;text-wrap:pretty}
    .formula{margin-top:var(--s3);font-size:1.06em;line-height:1.9}
    #methods:focus{outline:0}
    .cap.gap{margin-bottom:14px}
    .ind{padding-left:8px!important}
    .bad a{color:inherit}
    figcaption,.cap{font-size:var(--t2);line-height:1.45;color:var(--soft);margin-top:var(--s2);
      text-wrap:pretty}
    .fig{padding-bottom:var(--s4);min-width:0;container-type:inline-size}
    .fx{container-type:inline-size;min-width:0}
    .g{display:grid;gap:1px;grid-template-columns:repeat(5,max-content);width:max-content;
      max-width:100%}
    .g img{display:block;image-rendering:pixelated;image-rendering:crisp-edges;
      image-rendering:pixelated;background:repeating-conic-gradient(#c9c9c9 0 25%,
      #fff 0 50%) 0 0/8px 8px}
    .g .l{font-size:var(--t1);color:var(--soft);text-align:center;line-height:1.5}
    .rowlab{font-size:var(--t2);color:var(--soft);margin:var(--s2) 0 3px}
    .rowlab:first-child{margin-top:0}
    @container(min-width:569px){.g.ten{grid-template-columns:repeat(10,max-content)!important}}
    @container(min-width:455px){.g{grid-template-columns:repeat(8,max-content)}.g.five{
      grid-template-columns:repeat(5,max-content)}}
    @container(max-width:454px){.g.four{grid-template-columns:repeat(4,max-content)}.g.strip .o{
      display:none}.g.five{grid-template-columns:repeat(5,minmax(0,56px))}.g.five img{width:56px;
      height:56px}}
    /* text */
    .txt{max-height:19.5rem;overflow:auto;background:linear-gradient(var(--well) 40%,
      transparent) top/100% 36px no-repeat local,linear-gradient(transparent,
      var(--well) 60%) bottom/100% 36px no-repeat local,linear-gradient(var(--rule),
      transparent) top/100% 14px no-repeat scroll,linear-gradient(transparent,
      var(--rule)) bottom/100% 14px no-repeat scroll,var(--well);border-radius:4px;
      padding:2px var(--s4)}
    .txt ol{list-style:none}
    .txt li{padding:var(--s3) 0;font:.9375rem/1.55 var(--serif);unicode-bidi:plaintext;
      text-align:start;overflow-wrap:anywhere}
    .txt li+li{border-top:1px solid var(--rule)}
    .txt .given{text-decoration:underline;text-decoration-style:dotted;
      text-decoration-color:var(--edge);text-underline-offset:.22em;font-weight:600}
    :lang(ja),:lang(zh),:lang(ko){line-height:1.75!important}
    /* plots */
    .plot{display:grid;grid-template-columns:2.9em minmax(0,1fr) 8em;font-size:var(--t1);
      color:var(--soft)}
    .plot .h{grid-column:1/-1;font-size:var(--t2);margin-bottom:10px}
    .plot .h b{color:var(--ink);font-weight:600}
    .plot .y,.plot .e{position:relative;height:112px}
    .plot .y span{position:absolute;right:7px;translate:0 -50%}
    .plot .e span{position:absolute;left:9px;translate:0 -50%;white-space:nowrap}
    .plot .v{color:var(--accent);font-weight:600}
    .plot .tr{color:var(--warm)}
    .plot .x{color:var(--bad);font-weight:600}
    .plot .in{position:relative;height:112px}
    .plot .in>svg{height:112px;width:100%;display:block}
    .plot .in span{position:absolute;translate:0 -50%;white-space:nowrap}
    .plot .xx{grid-column:2;display:flex;justify-content:space-between;padding-top:4px}
    .plot svg *{vector-effect:non-scaling-stroke}
    .grid{stroke:var(--rule);fill:none;stroke-width:1}
    .train{stroke:var(--warm);stroke-width:1;fill:none;opacity:.75}
    .held{stroke:var(--accent);stroke-width:2;fill:none;stroke-linejoin:round}
    .dot{fill:var(--accent)}
    .cross{stroke:var(--bad);stroke-width:2.4;stroke-linecap:round}
    .curve{padding-bottom:var(--s4);min-width:0}
    .two{display:grid;grid-template-columns:1fr 1fr;gap:var(--s3)}
    .two svg{display:block;width:100%;aspect-ratio:1;border:1px solid var(--rule);
      border-radius:2px;overflow:hidden}
    .two .rowlab{margin:0 0 4px}
    .wave{display:grid;grid-template-columns:3.9em minmax(0,1fr);font-size:var(--t1);
      color:var(--soft)}
    .wave svg,.wave .sp{grid-column:2;width:100%;display:block}
    .wave svg{height:92px}
    .wave .sp{height:112px;border:1px solid var(--rule);border-radius:2px;image-rendering:auto}
    .wave .yl{grid-column:1;display:flex;flex-direction:column;justify-content:space-between;
      text-align:end;padding-inline-end:7px}
    .wave .xx{grid-column:2;display:flex;justify-content:space-between;padding-top:3px}
    audio{width:100%;height:34px;margin-top:var(--s2);display:block}
    /* facts and command */
    .facts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:var(--s3);
      border-top:1px solid var(--rule);padding:var(--s3) 0 var(--s4)}
    @container(min-width:400px){.facts{grid-template-columns:1.75fr .9fr 1fr .95fr}}
    .facts dd{font-size:var(--t3);line-height:1.4;font-weight:600}
    .facts dd small{display:block;font-size:var(--t2);font-weight:400;color:var(--soft)}
    .facts .mk{width:20px;height:11px;margin-inline-end:4px;vertical-align:-.5px}
    .cmd{position:relative;align-self:end}
    .cmd pre{background:var(--well);border-radius:4px;padding:9px 12px;font-size:var(--t1);
      line-height:1.6;white-space:pre-wrap;overflow-wrap:anywhere}
    .cmd code{user-select:all;font-size:inherit}
    .cmd code span{display:inline-block;max-width:100%}
    .cmd pre::before{content:"$ ";color:var(--soft);user-select:none}
    .cmd button{position:absolute;top:5px;right:5px;font:var(--t1)/1 var(--sans);
      color:var(--soft);background:var(--card);border:1px solid var(--rule);border-radius:4px;
      padding:6px 9px;min-height:26px;cursor:pointer}
    .cmd button:hover{color:var(--ink);border-color:var(--edge)}
    .cmd:has(button) pre{padding-right:58px}
    .why{background:color-mix(in srgb,var(--bad) 7%,var(--card));
      border-inline-start:3px solid var(--bad);border-radius:2px;padding:10px 12px;
      font-size:var(--t3);line-height:1.5;margin-bottom:var(--s3)}
    .why b{font-weight:650}
    .why code{white-space:nowrap}
    .why.hold{background:color-mix(in srgb,var(--hold) 8%,var(--card));border-color:var(--hold)}
    .empty{display:grid;place-items:center;text-align:center;min-height:120px;
      border:1px dashed var(--edge);border-radius:4px;color:var(--soft);font-size:var(--t3);
      padding:var(--s4)}
    progress{appearance:none;width:100%;height:6px;border:0;border-radius:3px;overflow:hidden;
      background:var(--rule);display:block;margin:6px 0 var(--s3)}
    progress::-webkit-progress-bar{background:var(--rule)}
    progress::-webkit-progress-value{background:var(--accent)}
    progress::-moz-progress-bar{background:var(--accent)}
    footer{border-top:1px solid var(--rule);padding:var(--s5) 0 var(--s6);font-size:var(--t3);
      color:var(--soft)}
    footer p{max-width:72ch}
    footer p+p{margin-top:var(--s2)}
    /* any size of picture, classes, interpolations */
    .g.any{width:auto;grid-template-columns:repeat(auto-fill,var(--w))!important}
    .g.all{overflow-x:auto;grid-template-columns:repeat(var(--n),max-content)!important}
    .g.all .l{writing-mode:vertical-rl;justify-self:center;text-align:start;padding-top:4px}
    .g .end{outline:1px solid var(--ink);outline-offset:-1px}

    @container(max-width:283px){
     .g.ten,.g.strip{grid-template-columns:repeat(4,max-content)}
     .g.strip:not(.all)>:nth-child(8n+7){display:none}
     .g.five img{width:100%;height:auto}
    }

    /* text keeps the lines of the model */
    .txt li{white-space:pre-wrap}

    /* a low plot: two losses of one method */
    .plot.low .y,.plot.low .e,.plot.low .in,.plot.low .in>svg{height:56px}
    .curve>.plot+.plot{margin-top:var(--s3)}
    .resume{stroke:var(--edge);stroke-width:1}.plot .re{color:var(--soft)}

    /* classes told apart: rows are the truth, columns the answer */
    .conf{overflow-x:auto}
    .conf table{width:auto;font-size:var(--t1)}
    .conf th{color:var(--soft);padding:0 6px 0 0;text-align:end;white-space:nowrap}
    .conf thead th{writing-mode:vertical-rl;padding:0 0 4px;text-align:end;vertical-align:bottom}
    .conf td{min-width:30px;height:26px;padding:0 4px;text-align:center;border:1px solid var(--card);
      background:color-mix(in srgb,var(--accent) calc(var(--p)*1%),var(--well))}
    .conf td.zero{color:var(--soft)}

    /* where a model looked for each word: rows are what it wrote */
    .align{max-height:32rem;overflow:auto}
    .align td{min-width:14px;height:14px;padding:0}

    /* sentences, what a model made of them, what a person did */
    .trans{overflow-x:auto}
    .trans td{min-width:10rem;vertical-align:top;font:.875rem/1.45 var(--serif)}

    """#
}
