using System.Text.Json;

namespace Serval.ApiServer.Certificates;

/// <summary>Who asks (authentication.k8s.io/v1 UserInfo).</summary>
/// <param name="Name">The user's name.</param>
/// <param name="Groups">Every group he is in, those that come with how he was known among them.</param>
internal sealed record UserInfo(string Name, IReadOnlyList<string> Groups)
{
    /// <summary>The group of whoever has shown who he is.</summary>
    public const string Authenticated = "system:authenticated";

    /// <summary>Who has shown nothing.</summary>
    public static readonly UserInfo Anonymous = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>A member of system:masters: no rule is asked.</summary>
    public bool IsAdmin { get; } = Groups.Contains(Credentials.AdminGroup);

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("username", Name);
        writer.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            writer.WriteStringValue(group);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
