using System.Text;
using System.Text.Json;
using Serval.Api;
using Serval.Api.GoText;
using Serval.Api.Schema;

namespace Serval.ApiServer.Http;

/// <summary>
/// What a body says it is (apimachinery: runtime/serializer/json, Interpret and Decode), looked at once it is not plainly what the path takes, and
/// what is then said of it (apiserver: handlers/rest.go, transformDecodeError).
/// </summary>
internal sealed class GivenType
{
    private const string Scheme = "pkg/api/legacyscheme/scheme.go:30";
    private const int ShownBytes = 30;

    /// <summary>The type of Go that stands for an object of which only the type is read.</summary>
    public const string AnonymousType = """struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }""";

    private readonly string _group;
    private readonly string _version;
    private readonly string _kind;

    private GivenType(string group, string version, string kind) => (_group, _version, _kind) = (group, version, kind);

    private bool IsKnown => Schemas.Find(ApiVersion, _kind) is not null || Kinds.Find(ApiVersion, _kind) is not null;

    private string NotKnown => $"no kind \"{_kind}\" is registered for version \"{ApiVersion}\" in scheme \"{Scheme}\"";

    private string ApiVersion => _group.Length == 0 ? _version : $"{_group}/{_version}";

    /// <summary>The failure of a text that is no JSON, no object, or does not say what it is in texts; null when all that is right.</summary>
    /// <param name="sent">The text with what is no Unicode in it.</param>
    /// <param name="json">The text without.</param>
    public static string? Unreadable(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> json)
    {
        if (GoJson.SyntaxError(sent) is { } syntax)
        {
            return $"couldn't get version/kind; json parse error: {syntax}";
        }
        if (FirstToken(json) is not (JsonTokenType.StartObject or JsonTokenType.Null) and var token)
        {
            return $"couldn't get version/kind; json parse error: json: cannot unmarshal {GoValue.Kind(token)} into Go value of type {AnonymousType}";
        }
        var wrong = default(string);
        Read(json, (field, actual) => wrong ??= $"couldn't get version/kind; json parse error: json: cannot unmarshal {actual} into Go struct field .{field} of type string");
        return wrong;
    }

    /// <summary>Null when the body is of the type, or says nothing else.</summary>
    public static ApiException? Mismatch(ReadOnlyMemory<byte> body, ReadOnlySpan<byte> json, string apiVersion, string kind)
    {
        var (givenVersion, givenKind) = Read(json, null);
        if (givenVersion.Count(c => c == '/') > 1)
        {
            return Unrecognized(kind, $"unexpected GroupVersion string: {givenVersion}", body.Span);
        }
        var (group, version) = Split(apiVersion);
        var given = Complete(givenVersion, givenKind, group, version, kind);
        if (given._version.Length == 0)
        {
            return given.Unfit(kind, $"Object 'apiVersion' is missing in '{Encoding.UTF8.GetString(body.Span)}'");
        }
        if (given._kind == kind && given.ApiVersion == apiVersion)
        {
            return null;
        }
        if (!given.IsKnown)
        {
            return given.Unfit(kind, given.NotKnown);
        }
        return given._kind != kind
            ? given.Unfit(kind, given.NoConversion(group, kind))
            : ApiException.BadRequest($"the API version in the data ({given.ApiVersion}) does not match the expected API version ({apiVersion})");
    }

    /// <summary>
    /// Null when the body is of a custom kind's version. Such bodies are read by another reader, which fills nothing in; another kind is told by who
    /// judges the object (apiextensions-apiserver: pkg/apiserver/customresource_handler.go, pkg/registry/customresource/validator.go).
    /// </summary>
    public static ApiException? CustomMismatch(ReadOnlyMemory<byte> body, ReadOnlySpan<byte> json, string apiVersion, string kind)
    {
        var (givenVersion, givenKind) = Read(json, null);
        return givenKind.Length == 0 ? Unrecognized(kind, Kindless(json), body.Span)
            : givenVersion.Count(c => c == '/') > 1 ? Unrecognized(kind, $"unexpected GroupVersion string: {givenVersion}", body.Span)
            : givenVersion != apiVersion ? ApiException.BadRequest($"the API version in the data ({givenVersion}) does not match the expected API version ({apiVersion})")
            : null;
    }

    /// <summary>What is said of an object of a custom kind that does not say its kind.</summary>
    public static string Kindless(ReadOnlySpan<byte> json) => $"Object 'Kind' is missing in '{Encoding.UTF8.GetString(json)}'";

    /// <summary>What is wrong with the type that an object says it is after a patch; null when nothing is.</summary>
    public static string? Unregistered(ReadOnlySpan<byte> json, string apiVersion, string kind)
    {
        var (givenVersion, givenKind) = Read(json, null);
        var (group, version) = Split(apiVersion);
        var given = Complete(givenVersion, givenKind, group, version, kind);
        return (given._kind == kind && given.ApiVersion == apiVersion) || given._version.Length == 0 ? null
            : !given.IsKnown ? given.NotKnown
            : given._kind != kind ? given.NoConversion(group, kind)
            : null;
    }

    /// <summary>How what is wrong with a body begins that is known to be an object of the kind.</summary>
    public static string Unhandled(string apiVersion, string kind) => $"{kind} in version \"{Split(apiVersion).Version}\" cannot be handled as a {kind}: ";

    /// <summary>Whether the text is nothing but JSON's null, which Go reads as an object without fields.</summary>
    public static bool IsNull(ReadOnlySpan<byte> json) => json.Trim(" \t\r\n"u8).SequenceEqual("null"u8);

    /// <summary>A body of which it is not even known what it is meant to be.</summary>
    public static ApiException Unrecognized(string kind, string why, ReadOnlySpan<byte> body) =>
        ApiException.BadRequest($"the object provided is unrecognized (must be of type {kind}): {why} ({Summary(body)})");

    private string NoConversion(string group, string kind) => $"converting ({_version}.{_kind}) to ({Internal(group)}.{kind}): unknown conversion";

    private ApiException Unfit(string expected, string why) =>
        ApiException.BadRequest($"{_kind} in version \"{_version}\" cannot be handled as a {expected}: {why}");

    private static GivenType Complete(string apiVersion, string kind, string defaultGroup, string defaultVersion, string defaultKind)
    {
        var (group, version) = apiVersion == "/" ? ("", "") : Split(apiVersion);
        if (version.Length == 0 && (group.Length == 0 || group == defaultGroup))
        {
            (group, version) = (defaultGroup, defaultVersion);
        }
        return new GivenType(group, version, kind.Length == 0 ? defaultKind : kind);
    }

    private static (string Group, string Version) Split(string apiVersion)
    {
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? ("", apiVersion) : (apiVersion[..slash], apiVersion[(slash + 1)..]);
    }

    /// <summary>The package in which upstream keeps a group's own types.</summary>
    private static string Internal(string group) => group is "" or "events.k8s.io" ? "core" : group.Split('.')[0];

    /// <summary>The two members, whatever the case of their names; the last of several counts (encoding/json).</summary>
    private static (string ApiVersion, string Kind) Read(ReadOnlySpan<byte> json, Action<string, string>? wrong)
    {
        var (apiVersion, kind) = ("", "");
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = CanonicalJson.MaxDepth });
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString() ?? "";
                reader.Read();
                var isVersion = name.Equals("apiVersion", StringComparison.OrdinalIgnoreCase);
                if ((isVersion || name.Equals("kind", StringComparison.OrdinalIgnoreCase)) && reader.TokenType != JsonTokenType.Null)
                {
                    if (reader.TokenType != JsonTokenType.String)
                    {
                        wrong?.Invoke(isVersion ? "apiVersion" : "kind", GoValue.Kind(reader.TokenType));
                    }
                    else if (isVersion)
                    {
                        apiVersion = reader.GetString() ?? "";
                    }
                    else
                    {
                        kind = reader.GetString() ?? "";
                    }
                }
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // deeper than is read here: what was found before counts
        }
        return (apiVersion, kind);
    }

    private static JsonTokenType FirstToken(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        return reader.TokenType;
    }

    /// <summary>The beginning of a body: an object's text, or bytes.</summary>
    private static string Summary(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return "<empty>";
        }
        var shown = body[..Math.Min(body.Length, ShownBytes)];
        return (body[0] == (byte)'{' ? Encoding.UTF8.GetString(shown) : Convert.ToHexStringLower(shown)) + (body.Length > ShownBytes ? " ..." : "");
    }
}
