// Streamlit's theme as a Plotly template. Figures come without colours of text, grid or background.

const CLEAR = "rgba(0,0,0,0)";

export function themeTemplate(element) {
  const style = getComputedStyle(element);
  const theme = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const text = theme("text-color");
  const axis = {
    gridcolor: theme("border-color-light"),
    linecolor: theme("border-color"),
    tickcolor: theme("border-color"),
    zerolinecolor: theme("border-color"),
    spikecolor: theme("border-color"),
    spikethickness: 1,
    spikedash: "solid",
    automargin: true,
  };
  const sceneAxis = { ...axis, showbackground: false, showspikes: false };
  return {
    layout: {
      paper_bgcolor: CLEAR,
      plot_bgcolor: CLEAR,
      font: { family: theme("font"), color: text },
      hoverlabel: {
        bgcolor: theme("secondary-background-color"),
        bordercolor: theme("border-color"),
        font: { family: theme("font"), color: text },
      },
      legend: { bgcolor: CLEAR },
      modebar: { bgcolor: CLEAR, color: theme("gray-color"), activecolor: text },
      xaxis: axis,
      yaxis: axis,
      // Plotly's own default, "turntable", lets go of the mouse for half a second after every update.
      scene: { dragmode: "orbit", bgcolor: CLEAR, xaxis: sceneAxis, yaxis: sceneAxis, zaxis: sceneAxis },
    },
  };
}
