using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>On a node: what those pods use that are asked about and run here.</summary>
/// <param name="usage">Measures them.</param>
public sealed class UsageEndpoint(IPodUsage usage) : ISignalEndpoint
{
    internal const string Route = "/signals/usage";
    internal const int MostInOne = 100;

    public string Path => Route;

    public async Task AnswerAsync(HttpContext http)
    {
        var pods = http.Request.Query["pod"];
        if (pods.Count > MostInOne)
        {
            throw ApiException.BadRequest($"at most {MostInOne} pods can be asked about at once");
        }
        var found = new Dictionary<string, UsedNow>(StringComparer.Ordinal);
        foreach (var pod in pods.OfType<string>())
        {
            if (usage.UsageOf(pod) is { } used)
            {
                found[pod] = new UsedNow(used.Cpu.Ticks * 100, used.Memory);
            }
        }
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(found, SignalJson.Default.DictionaryStringUsedNow), http.RequestAborted);
    }
}

/// <summary>What a pod uses, on the wire.</summary>
/// <param name="CpuNanos">Processor time since its processes began, in nanoseconds.</param>
/// <param name="MemoryBytes">Resident bytes now.</param>
internal sealed record UsedNow(long CpuNanos, long MemoryBytes);
