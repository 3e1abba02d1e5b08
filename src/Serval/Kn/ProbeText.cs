using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Probes as text: what is asked, and how often (knative/client: resolveProbeHandler, resolveProbeOptions).</summary>
internal static class ProbeText
{
    private static readonly string[] s_handlers = ["httpGet", "exec", "tcpSocket", "grpc"];
    private static readonly string[] s_numbers = ["initialDelaySeconds", "failureThreshold", "successThreshold", "periodSeconds", "timeoutSeconds"];

    public static Action<EditTarget, string> Handler(string flag, string field) => (target, word) =>
    {
        var (name, handler) = Parse(flag, word);
        var probe = target.Container.Ensure(field);
        foreach (var other in s_handlers)
        {
            probe.Remove(other);
        }
        probe[name] = handler;
    };

    public static Action<EditTarget, string> Options(string flag, string field) => (target, word) =>
    {
        var probe = target.Container.Ensure(field);
        foreach (var option in word.Split(',', StringSplitOptions.TrimEntries))
        {
            var name = option.Split('=') is [var key, _] ? Array.Find(s_numbers, n => n.Equals(key.Trim(), StringComparison.OrdinalIgnoreCase)) : null;
            if (name is null || !int.TryParse(option.Split('=')[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                throw new CliException(ExitCodes.Usage, $"--{flag}: \"{option}\" is not understood; write NAME=NUMBER with one of {string.Join(", ", s_numbers)}");
            }
            probe[name] = number;
        }
    };

    private static (string Name, JsonObject Handler) Parse(string flag, string word)
    {
        switch (word.Split(':', 4))
        {
            case ["http" or "https", var host, var port, var path]:
                var get = new JsonObject { ["path"] = path };
                if (word.StartsWith("https", StringComparison.Ordinal))
                {
                    get["scheme"] = "HTTPS";
                }
                return ("httpGet", At(get, host, port));
            case ["tcp", var host, var port]:
                return ("tcpSocket", At([], host, port));
            case ["exec", _, ..] when word.Length > "exec:".Length:
                return ("exec", new JsonObject { ["command"] = new JsonArray([.. word["exec:".Length..].Split(',').Select(w => (JsonNode)w)]) });
            default:
                throw new CliException(ExitCodes.Usage, $"--{flag} \"{word}\" is not understood; write http:HOST:PORT:PATH (HOST and PORT may be empty), tcp:HOST:PORT or exec:COMMAND,ARGUMENT");
        }
    }

    private static JsonObject At(JsonObject action, string host, string port)
    {
        if (host.Length > 0)
        {
            action["host"] = host;
        }
        if (port.Length > 0)
        {
            action["port"] = int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : port;
        }
        return action;
    }
}
