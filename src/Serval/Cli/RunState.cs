using System.Text.Json.Nodes;

namespace Serval.Cli;

/// <summary>What a running <c>serval up</c> tells scripts: <c>serval.json</c> in its data directory.</summary>
internal sealed record RunState(Uri Gateway, Uri PrivateGateway, Uri Api)
{
    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, "serval.json");

    public void Write(string dataDirectory)
    {
        var temporary = PathIn(dataDirectory) + ".new";
        File.WriteAllText(temporary, new JsonObject { ["pid"] = Environment.ProcessId, ["gateway"] = Gateway.ToString(), ["privateGateway"] = PrivateGateway.ToString(), ["api"] = Api.ToString() }.ToJsonString());
        File.Move(temporary, PathIn(dataDirectory), overwrite: true);
    }

    public static void Delete(string dataDirectory) => File.Delete(PathIn(dataDirectory));
}
