// Charts stay in the page: plotly.js offers to upload them to its maker's cloud, unless it is set not to.

/** Turns the offer off, now or as soon as there is a `Plotly`. */
export const keepChartsHere = () => {
    /** @type {Window["Plotly"]} */
    let plotly;
    /** @param {Window["Plotly"]} value */
    const set = (value) => {
        plotly = value;
        plotly && plotly.setPlotConfig && plotly.setPlotConfig({ showSendToCloud: false });
    };
    set(window.Plotly);
    Reflect.defineProperty(window, "Plotly", { get: () => plotly, set, configurable: true });
};
