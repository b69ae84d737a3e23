extension Style {
  /// Small screens, reduced motion, forced colours, paper.
  static let media = #"""
    @media(max-width:960px){.name{white-space:normal;overflow-wrap:anywhere;min-width:9em}}
    @media(max-width:720px){
     .name{min-width:0}
     header{padding:var(--s5) 0 var(--s4)}
     .wide,.w1,.w2{display:none}
     .name,thead th:first-child{width:31%}
     td.n,th.n{white-space:normal}
     .wrapped{white-space:normal!important;align-items:baseline!important}
     td.c{width:46%}
     .name{white-space:normal}
     .name a{font-size:var(--t2)}
     legend{position:absolute;clip-path:inset(50%)}
     fieldset{mask-image:linear-gradient(to right,#000 90%,transparent)}
     thead th.val .wide2{display:none}
     tr.r>*{padding-right:var(--s2);padding-block:5px}
     .val{padding-left:var(--s3)!important;padding-right:0!important}
     .val small{display:block;font-weight:400;line-height:1.3}
     .key{flex-direction:column}
     .plot{grid-template-columns:2.9em minmax(0,1fr) 7.8em}
     .m{padding:14px}
    }
    @media(min-width:721px){.val small{display:none}}
    @media(prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
    @media(forced-colors:active){td.c,.g img{forced-color-adjust:none}.m,fieldset label{
      border-color:CanvasText}fieldset label:has(:checked){outline:3px solid Highlight}}
    @media print{
     :root{--page:#fff;--card:#fff;--well:#f4f3f0;--rule:#cfccc5;--edge:#85878c;--ink:#000;
       --soft:#444;--accent:#0b5f80;--warm:#a8500f;--good:#1f6b3a;--bad:#a3231c;--hold:#7a5300}
     @page{margin:14mm}
     html{font-size:72%}
     .wrap{padding:0}
     .bar,.skip,.cmd button,audio{display:none}
     .cmd:has(button) pre{padding-right:12px}
     .cards{display:block;columns:2;column-gap:16px}
     .m{display:block;break-inside:avoid;margin-bottom:14px}
     .txt{max-height:none}
     .g,td.c,.well,.why,.txt,.cmd pre{print-color-adjust:exact;-webkit-print-color-adjust:exact}
     .g{grid-template-columns:repeat(8,max-content)!important}
     .g.five{grid-template-columns:repeat(5,max-content)!important}
     .g img{width:34px!important;height:34px!important}
     .g.strip .o{display:inline!important}
     .g.five img{width:54px!important;height:54px!important}
     .wave svg{height:60px}
     .wave .sp{height:74px}
     .plot .y,.plot .e,.plot .in,.plot .in>svg{height:84px}
     .two{max-width:260px}
     tbody,header,tr{break-inside:avoid}
     .m{padding:10px 12px}
     a{color:inherit}
    }

    """#
}
