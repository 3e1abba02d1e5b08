namespace Serval.Api.Schema;

/// <summary>The parameters of the API's operations (apimachinery: the options of meta/v1; core/v1: those of what is below pods).</summary>
internal static class OpenApiParameters
{
    public static readonly OpenApiParameter Name = new("name", "string", "", "path");

    public static readonly OpenApiParameter Namespace = new("namespace", "string", "Namespace of the object.", "path");

    public static readonly OpenApiParameter Pretty = new("pretty", "string", "true: an answer for people to read, with line breaks. Default: as the user agent suggests.");

    public static readonly IReadOnlyList<OpenApiParameter> Write =
    [
        new("dryRun", "string", "All: go through every step, store nothing."), new("fieldManager", "string", "Who makes the change; by default the start of the user agent."),
        new("fieldValidation", "string", "Ignore, Warn (default) or Strict: what becomes of unknown and duplicate fields."),
    ];

    public static readonly IReadOnlyList<OpenApiParameter> Patch =
    [
        .. Write, new("force", "boolean", "Of an apply: take fields over that others manage."),
    ];

    public static readonly IReadOnlyList<OpenApiParameter> Delete =
    [
        Write[0], new("gracePeriodSeconds", "integer", "Seconds the object may take to end; 0 ends it at once."),
        new("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean", "Delete an object that can no longer be read."),
        new("orphanDependents", "boolean", "Superseded by propagationPolicy."),
        new("propagationPolicy", "string", "Orphan, Background or Foreground: what becomes of dependents."),
    ];

    public static readonly IReadOnlyList<OpenApiParameter> List =
    [
        new("allowWatchBookmarks", "boolean", "Send bookmarks in a watch."), new("continue", "string", "Token of the next page."),
        new("fieldSelector", "string", "Select by fields."), new("labelSelector", "string", "Select by labels."),
        new("limit", "integer", "The most items of a page."), new("resourceVersion", "string", "How fresh the answer must be, or where a watch begins."),
        new("resourceVersionMatch", "string", "Exact or NotOlderThan."), new("sendInitialEvents", "boolean", "Begin a watch with the objects there are."),
        new("timeoutSeconds", "integer", "How long the call may last."), new("watch", "boolean", "Send changes as they happen."),
    ];

    public static readonly IReadOnlyList<OpenApiParameter> DeleteCollection = [.. Delete, .. List.Where(p => p.Name is not ("allowWatchBookmarks" or "watch"))];

    /// <summary>Of a read of a custom resource.</summary>
    public static readonly IReadOnlyList<OpenApiParameter> Get = [.. List.Where(p => p.Name == "resourceVersion")];

    private static readonly OpenApiParameter s_container = new("container", "string", "Which container; by default the pod's only or first one.");

    private static readonly OpenApiParameter[] s_streams =
    [
        s_container, new("stderr", "boolean", "Whether its errors are wanted."), new("stdin", "boolean", "Whether it is sent input."),
        new("stdout", "boolean", "Whether its output is wanted."), new("tty", "boolean", "Whether it has a terminal."),
    ];

    /// <summary>What is behind <c>proxy</c>.</summary>
    public static readonly OpenApiParameter Path = new("path", "string", "Path of the request to the program.", "path");

    /// <summary>Of <c>attach</c>, <c>exec</c>, <c>log</c>, <c>proxy</c> and <c>portforward</c>.</summary>
    public static IReadOnlyList<OpenApiParameter> Of(string subresource) => subresource switch
    {
        "attach" => s_streams,
        "exec" => [new("command", "string", "The command and its arguments; repeated."), .. s_streams],
        "log" =>
        [
            s_container, new("follow", "boolean", "Go on with what is written from then on."),
            new("insecureSkipTLSVerifyBackend", "boolean", "Do not ask the node for its certificate."), new("limitBytes", "integer", "The most bytes."),
            new("previous", "boolean", "Of the container's run before this one."), new("sinceSeconds", "integer", "What is at most so old."),
            new("stream", "string", "All (default), Stdout or Stderr."), new("tailLines", "integer", "The last lines alone."),
            new("timestamps", "boolean", "Each line begins with its time."),
        ],
        "proxy" => [new("path", "string", "Path of the request to the program.")],
        "portforward" => [new("ports", "integer", "Ports of the pod; repeated.")],
        _ => [],
    };
}
