using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>Follows one object, through the ends of the server's watches.</summary>
internal static class ObjectWatch
{
    /// <param name="client">The server.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="ns">Its namespace.</param>
    /// <param name="name">Its name; it need not exist yet.</param>
    /// <param name="done">Gets each state, the present one first; true ends the watch.</param>
    /// <param name="ct">Ends the watch.</param>
    /// <exception cref="CliException">The object was deleted.</exception>
    public static async Task UntilAsync(RemoteClient client, ResourceKind kind, string ns, string name, Func<JsonObject, bool> done, CancellationToken ct)
    {
        while (true)
        {
            var path = ResourcePath.Of(kind, ns, query: [("watch", "true"), ("fieldSelector", $"metadata.name={name}")]);
            await foreach (var (type, obj) in client.WatchAsync(path, ct))
            {
                if (type == "ERROR")
                {
                    break;
                }
                if (type == "DELETED")
                {
                    throw new CliException(ExitCodes.NotFound, $"{Word(kind)} {name} was deleted while waiting for it; apply it again");
                }
                if (done(obj))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Waits until the object that was <paramref name="seen"/> is gone.</summary>
    public static async Task GoneAsync(RemoteClient client, ResourceKind kind, string ns, string name, JsonObject seen, CancellationToken ct)
    {
        for (var present = seen; present is not null && SameUid(present, seen); present = await client.FindAsync(ResourcePath.Of(kind, ns, name), ct))
        {
            (string, string)[] query = [("watch", "true"), ("fieldSelector", $"metadata.name={name}"), ("resourceVersion", (string?)present["metadata"]?["resourceVersion"] ?? "")];
            await foreach (var (type, _) in client.WatchAsync(ResourcePath.Of(kind, ns, query: query), ct))
            {
                if (type is "DELETED" or "ERROR")
                {
                    break;
                }
            }
        }
    }

    /// <summary>What people call the kind.</summary>
    public static string Word(ResourceKind kind) => kind == Kinds.KService ? "service" : kind == Kinds.DomainMapping ? "domain" : kind.Singular;

    private static bool SameUid(JsonObject one, JsonObject other) => (string?)one["metadata"]?["uid"] == (string?)other["metadata"]?["uid"];
}
