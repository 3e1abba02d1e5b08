using System.Text.Json.Nodes;

namespace Serval.Api;

/// <summary>One cause inside a <c>Status</c>: which field, what is wrong (apimachinery meta/v1 StatusCause).</summary>
/// <param name="Reason">For example <c>FieldValueInvalid</c>, <c>FieldValueRequired</c>, <c>FieldValueNotSupported</c>.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Field">Path, for example <c>spec.template.spec.containers[0].image</c>.</param>
public sealed record StatusCause(string Reason, string Message, string Field);

/// <summary>
/// An API call that failed, as Kubernetes reports it: HTTP code, <c>Status.reason</c> and message (apimachinery api/errors).
/// The same exception is thrown in process and by the HTTPS client.
/// </summary>
public sealed class ApiException(int code, string reason, string message, IReadOnlyList<StatusCause>? causes = null, JsonObject? details = null)
    : Exception(message)
{
    private const string NamespaceTerminatingCause = "NamespaceTerminating";

    private const int MostLogged = 20;

    /// <summary>HTTP status code.</summary>
    public int Code { get; } = code;

    /// <summary><c>Status.reason</c>, for example <c>NotFound</c>, <c>AlreadyExists</c>, <c>Conflict</c>, <c>Invalid</c>, <c>Expired</c>.</summary>
    public string Reason { get; } = reason;

    public IReadOnlyList<StatusCause> Causes { get; } = causes ?? [];

    /// <summary><c>Status.metadata.continue</c>: where a list that can no longer be shown as it was can go on all the same; else empty.</summary>
    public string Continue { get; init; } = "";

    /// <summary>
    /// What may be logged: the message, but not of what judges a body (400, 422). Those quote what was sent, or what was stored, and that may be
    /// secret: the fields that are wrong stand for it.
    /// </summary>
    public string Loggable => Code is not (400 or 422) ? Message
        : string.Join(", ", Causes.Take(MostLogged).Select(c => $"{TextLimit.First(c.Field, TextLimit.PathStep)}: {c.Reason}"));

    /// <summary><c>Status.details</c> without causes: name, group, kind, uid, retryAfterSeconds.</summary>
    public JsonObject? Details { get; } = details;

    public bool IsNotFound => Reason == "NotFound";

    public bool IsAlreadyExists => Reason == "AlreadyExists";

    public bool IsConflict => Reason == "Conflict";

    /// <summary>
    /// The object itself was refused, by validation or by a policy: the same write would be refused again. A namespace on its way out is
    /// another matter: there nothing is wrong with the object.
    /// </summary>
    public bool IsRejection => Code is 400 or 403 or 422 && !IsNamespaceTerminating;

    /// <summary>Refused because the namespace is on its way out: no retry helps (core/v1: NamespaceTerminatingCause).</summary>
    public bool IsNamespaceTerminating => Causes.Any(c => c.Reason == NamespaceTerminatingCause);

    public static ApiException NotFound(ResourceKind kind, string name) =>
        new(404, "NotFound", $"{kind.ResourceName} \"{name}\" not found", details: About(kind, name));

    public static ApiException AlreadyExists(ResourceKind kind, string name) =>
        new(409, "AlreadyExists", $"{kind.ResourceName} \"{name}\" already exists", details: About(kind, name));

    /// <summary>The name is taken by an object on its way out (apiserver: registry.Store.Create).</summary>
    public static ApiException StillThere(ResourceKind kind, string name) =>
        new(409, "AlreadyExists", $"object is being deleted: {kind.ResourceName} \"{name}\" already exists", details: About(kind, name));

    /// <summary>Every name that was made from <c>generateName</c> was taken: to be tried again (apimachinery: NewGenerateNameConflict).</summary>
    public static ApiException NoFreeName(ResourceKind kind, string name)
    {
        var about = About(kind, name);
        about["retryAfterSeconds"] = 1;
        return new(409, "AlreadyExists", $"{kind.ResourceName} \"{name}\" already exists, the server was not able to generate a unique name for the object", details: about);
    }

    public static ApiException Conflict(ResourceKind kind, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {kind.ResourceName} \"{name}\": {why}", details: About(kind, name));

    /// <summary>A delete that means another object: upstream names the kind here where it names the resource elsewhere (apiserver: rest.BeforeDelete).</summary>
    public static ApiException DeleteConflict(ResourceKind kind, string name, string why)
    {
        var about = About(kind, name);
        about["kind"] = kind.Kind;
        return new(409, "Conflict", $"Operation cannot be fulfilled on {kind.Kind}{(kind.Group.Length == 0 ? "" : "." + kind.Group)} \"{name}\": {why}", details: about);
    }

    /// <summary>A conflict that the scale of an object tells, not the object (apps.Resource("deployments/scale")).</summary>
    public static ApiException ScaleConflict(ResourceKind kind, string name, string why)
    {
        var about = About(kind, name);
        about["kind"] = $"{kind.Plural}/scale";
        return new(409, "Conflict", $"Operation cannot be fulfilled on {kind.Plural}/scale{(kind.Group.Length == 0 ? "" : "." + kind.Group)} \"{name}\": {why}", details: about);
    }

    public static ApiException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiException Expired(string message, string @continue = "") => new(410, "Expired", message) { Continue = @continue };

    /// <summary>Too much at once: the caller is told when to try again.</summary>
    public static ApiException TooManyRequests(string message, int retryAfterSeconds) =>
        new(429, "TooManyRequests", message, details: new JsonObject { ["retryAfterSeconds"] = retryAfterSeconds });

    public static ApiException Forbidden(ResourceKind kind, string name, string why) =>
        new(403, "Forbidden", $"{kind.ResourceName} \"{name}\" is forbidden: {why}", details: About(kind, name));

    /// <summary>Nothing new may come into a namespace that is being deleted (apiserver: NamespaceLifecycle).</summary>
    public static ApiException NamespaceTerminating(ResourceKind kind, string name, string ns) =>
        new(403, "Forbidden", $"{kind.ResourceName} \"{name}\" is forbidden: unable to create new content in namespace {ns} because it is being terminated",
            [new StatusCause(NamespaceTerminatingCause, $"namespace {ns} is being terminated", "metadata.namespace")], About(kind, name));

    /// <summary>An object of another type than the custom kind at whose place it is; it is named as what it says it is (registry/customresource: validator.go).</summary>
    public static ApiException OtherType(ResourceKind kind, string name, string apiVersion, string given)
    {
        var causes = new List<StatusCause>();
        if (given != kind.Kind)
        {
            causes.Add(new StatusCause("FieldValueInvalid", $"Invalid value: \"{given}\": must be {kind.Kind}", "kind"));
        }
        if (apiVersion != kind.ApiVersion)
        {
            causes.Add(new StatusCause("FieldValueInvalid", $"Invalid value: \"{apiVersion}\": must be {kind.ApiVersion}", "apiVersion"));
        }
        return Invalid(apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion[..apiVersion.IndexOf('/', StringComparison.Ordinal)] : "", given, About(kind, name), name, causes);
    }

    public static ApiException Invalid(ResourceKind kind, string name, IReadOnlyList<StatusCause> causes) => Invalid(kind.Group, kind.Kind, About(kind, name), name, causes);

    private static ApiException Invalid(string group, string kind, JsonObject about, string name, IReadOnlyList<StatusCause> causes)
    {
        var lines = causes.Select(Line).Distinct(StringComparer.Ordinal).ToList(); // each once (apimachinery util/errors: aggregate)
        var list = lines.Count == 1 ? lines[0] : "[" + string.Join(", ", lines) + "]";
        about["kind"] = kind;
        return new(422, "Invalid", $"{kind}{(group.Length == 0 ? "" : "." + group)} \"{name}\" is invalid: {list}", causes, about);

        static string Line(StatusCause c) => c.Field.Length == 0 ? c.Message : $"{c.Field}: {c.Message}";
    }

    /// <summary>A replacement that does not say what it replaces: here upstream names the resource where it names the kind elsewhere (apiserver: registry.Store.Update).</summary>
    public static ApiException NoVersion(ResourceKind kind, string name)
    {
        var cause = new StatusCause("FieldValueInvalid", "Invalid value: 0: must be specified for an update", "metadata.resourceVersion");
        return new(422, "Invalid", $"{kind.ResourceName} \"{name}\" is invalid: {cause.Field}: {cause.Message}", [cause], About(kind, name));
    }

    private static JsonObject About(ResourceKind kind, string name)
    {
        var about = new JsonObject();
        if (name.Length > 0)
        {
            about["name"] = name;
        }
        if (kind.Group.Length > 0)
        {
            about["group"] = kind.Group;
        }
        about["kind"] = kind.Plural;
        return about;
    }
}
