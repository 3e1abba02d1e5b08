using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Cli;

/// <summary>What a running <c>serval up</c> tells other processes: <c>serval.json</c> in its data directory.</summary>
internal sealed record RunState(Uri Gateway, Uri PrivateGateway, Uri Api)
{
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, "serval.json");

    public static RunState? Read(string dataDirectory)
    {
        try
        {
            var json = JsonNode.Parse(File.ReadAllText(PathIn(dataDirectory)));
            return new RunState(new Uri((string)json!["gateway"]!), new Uri((string)json["privateGateway"]!), new Uri((string)json["api"]!));
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException or NullReferenceException or InvalidOperationException or UriFormatException)
        {
            return null;
        }
    }

    public void Write(string dataDirectory)
    {
        var temporary = PathIn(dataDirectory) + ".new";
        File.WriteAllText(temporary, new JsonObject { ["pid"] = Environment.ProcessId, ["gateway"] = Gateway.ToString(), ["privateGateway"] = PrivateGateway.ToString(), ["api"] = Api.ToString() }.ToJsonString());
        File.Move(temporary, PathIn(dataDirectory), overwrite: true);
    }

    public static void Delete(string dataDirectory) => File.Delete(PathIn(dataDirectory));
}
