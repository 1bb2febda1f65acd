// What the page and Dash's renderer have under `window`, as far as the script uses it.

type ComponentId = string | Record<string, unknown>;

interface Clientside {
    /** The functions of the gates, by the names that `_dash-dependencies` gives them. */
    ferrodash?: Record<string, () => void>;
    callback_context: { triggered: { prop_id: string }[] };
    set_props(id: ComponentId, properties: Record<string, unknown>): void;
}

interface Window {
    dash_clientside: Clientside;
    dash_component_api: { getLayout(id: ComponentId): { namespace?: string } | undefined };
    /** The renderer asks it which calls do not count among the twelve that may be in progress. */
    ferrodashIsBatched?: (callback: { output: string }) => boolean;
    Plotly?: { setPlotConfig?(config: object): void };
    TextDecoderStream?: typeof TextDecoderStream;
}
