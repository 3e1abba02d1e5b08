using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Certificates;

/// <summary>Who asks (authentication.k8s.io/v1 UserInfo).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Groups">Every group he is in, those that come with how he was known among them.</param>
internal sealed record UserInfo(string Name, IReadOnlyList<string> Groups)
{
    /// <summary>The group of whoever has shown who he is.</summary>
    public const string Authenticated = "system:authenticated";

    private const string AccountPrefix = "system:serviceaccount:";

    /// <summary>Who has shown nothing.</summary>
    public static readonly UserInfo Anonymous = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>A member of system:masters: no rule is asked.</summary>
    public bool IsAdmin { get; } = Groups.Contains(Credentials.AdminGroup);

    /// <summary>One of Serval's own roles in another process.</summary>
    public bool IsRole { get; } = Groups.Contains(Credentials.RoleGroup);

    /// <summary>Empty for whom it is not known.</summary>
    public string Uid { get; init; } = "";

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Extra { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>The service account a user is (apiserver: authentication/serviceaccount/util.go); null for others.</summary>
    public static ObjectKey? AccountOf(string user) =>
        user.StartsWith(AccountPrefix, StringComparison.Ordinal) && user[AccountPrefix.Length..].Split(':') is [{ Length: > 0 } ns, { Length: > 0 } name]
            ? new ObjectKey(ns, name)
            : null;

    public static string NameOf(ObjectKey account) => $"{AccountPrefix}{account.Namespace}:{account.Name}";

    /// <summary>The groups of a namespace's service accounts.</summary>
    public static List<string> GroupsOf(string ns) => ["system:serviceaccounts", "system:serviceaccounts:" + ns];

    public JsonObject ToJson()
    {
        var json = new JsonObject { ["username"] = Name };
        if (Uid.Length > 0)
        {
            json["uid"] = Uid;
        }
        json["groups"] = Texts(Groups);
        if (Extra.Count > 0)
        {
            json["extra"] = new JsonObject(Extra.Select(e => KeyValuePair.Create(e.Key, (JsonNode?)Texts(e.Value))));
        }
        return json;
    }

    private static JsonArray Texts(IReadOnlyList<string> texts) => [.. texts.Select(t => JsonValue.Create(t))];
}
