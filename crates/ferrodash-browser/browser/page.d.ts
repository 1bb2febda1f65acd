// What the page and Dash's renderer have under `window`, as far as the script uses it.

/** Whether this script has the part that holds changes back. Set when the modules are joined. */
declare const HAS_WAITS: boolean;

/** Whether this script has the part that keeps answers. */
declare const HAS_CACHE: boolean;

/** Whether this script is for pages behind a gateway. */
declare const HAS_GUEST: boolean;

type ComponentId = string | Record<string, unknown>;

interface Clientside {
    /** The functions of the gates, by the names that `_dash-dependencies` gives them. */
    ferrodash?: Record<string, (context?: any) => void>;
    callback_context: { triggered: { prop_id: string }[] };
    set_props(id: ComponentId, properties: Record<string, unknown>): void;
}

interface DashComponent {
    namespace?: string;
    props?: Record<string, unknown>;
}

/** The state of the renderer, as far as the script uses it. Older renderers have less of it. */
interface RendererState {
    callbacks?: unknown;
    config: { fetch: RequestInit; csrf_token_name: string; csrf_header_name: string; end_id?: string };
    dependenciesRequest?: { content?: import("./compose.js").Dependency[] };
    history?: { present: unknown };
    paths: { strs: Record<string, string[]>; objs: Record<string, { values: unknown[]; path: string[] }[]> };
    layout?: unknown;
    layoutHashes?: Record<string, { changedProps: Record<string, unknown>; renderType?: string }>;
}

interface Window {
    dash_clientside: Clientside;
    dash_component_api: { getLayout(id: ComponentId): DashComponent | undefined };
    store: { getState(): RendererState; dispatch(action: object): void; subscribe(act: () => void): () => void };
    AbortController?: typeof AbortController;
    /** The renderer asks it which calls do not count among the twelve that may be in progress. */
    ferrodashIsBatched?: (callback: { output: string }) => boolean;
    /** The renderer waits for what is in it before it draws. */
    ferrodashSearches?: Set<string>;
    BroadcastChannel?: typeof BroadcastChannel;
    EventSource?: typeof EventSource;
    /** For scripts of the app. */
    ferrodash?: { refresh(output: string): void };
    Plotly?: { setPlotConfig?(config: object): void };
    TextDecoderStream?: typeof TextDecoderStream;
}
