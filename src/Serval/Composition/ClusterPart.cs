using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube.Remote;

namespace Serval.Composition;

/// <summary>The API server of a role in a process of its own.</summary>
internal sealed class ClusterPart
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private ClusterPart(ClusterAccess access, HttpKubeClient client, string version) => (Access, Client, Version) = (access, client, version);

    public ClusterAccess Access { get; }

    public HttpKubeClient Client { get; }

    /// <summary>The server's <c>gitVersion</c>; empty when it does not tell.</summary>
    public string Version { get; }

    /// <summary>Whether the server is Serval's own, which fills in and judges Knative's objects.</summary>
    public bool IsServal => Version.Contains("serval", StringComparison.Ordinal);

    /// <summary>Where pods reach the server that reach this machine at an address; null where only this machine does.</summary>
    public DnsEndPoint? ForPods(string machine) => Access.Server.IsLoopback && !IPAddress.IsLoopback(IPAddress.Parse(machine))
        ? null
        : new DnsEndPoint(Access.Server.IdnHost, Access.Server.Port);

    /// <summary>Waits until the server answers, with growing pauses; roles may be started in any order.</summary>
    /// <param name="started">Owns what is started.</param>
    /// <param name="find">Says which server; asked anew while what says so is a file that is not there yet.</param>
    /// <param name="role">What this process is.</param>
    /// <param name="tell">Hears what is waited for, whenever that changes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where logs go.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="KubeConfigException">There is no server to wait for.</exception>
    /// <exception cref="ApiException">Unauthorized: the server does not know who this is.</exception>
    public static async Task<ClusterPart> ConnectAsync(
        StartedParts started, Func<ClusterAccess> find, string role, Action<string> tell, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var told = "";
        for (var pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            string why;
            try
            {
                var access = find();
                why = $"the API server {access.Server.GetLeftPart(UriPartial.Authority)}";
                try
                {
                    var version = await VersionAsync(access, time, ct);
                    var agent = $"serval-{role}/{typeof(ClusterPart).Assembly.GetName().Version?.ToString(3)}";
                    return new ClusterPart(access, started.Add(new HttpKubeClient(access, agent, time, new Random(), loggers.CreateLogger<HttpKubeClient>())), version);
                }
                catch (HttpRequestException e)
                {
                    why += $" ({(e.InnerException ?? e).Message.TrimEnd('.')})";
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested)
                {
                    why += $" (no answer within {s_patience.TotalSeconds:0} s)";
                }
            }
            catch (FileNotFoundException e)
            {
                why = e.Message;
            }
            if (why != told)
            {
                tell($"waiting for {told = why} …");
            }
            await Task.Delay(pause, time, ct);
        }
    }

    // Everyone who is known may ask for it.
    private static async Task<string> VersionAsync(ClusterAccess access, TimeProvider time, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        using var http = new HttpClient(access.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        using var answer = await http.GetAsync(new Uri(access.Server, access.Server.AbsolutePath.TrimEnd('/') + "/version"), either.Token);
        switch ((int)answer.StatusCode)
        {
            case 401:
                throw new ApiException(401, "Unauthorized", $"the API server {access.Server.GetLeftPart(UriPartial.Authority)} does not know who {access.Source} says this is; give it a kubeconfig of that server");
            case 429 or >= 500:
                throw new HttpRequestException($"it answers {(int)answer.StatusCode}");
            case 200:
                try
                {
                    return (string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync(either.Token))?["gitVersion"] ?? "";
                }
                catch (Exception e) when (e is JsonException or InvalidOperationException)
                {
                    throw new HttpRequestException("it is no Kubernetes API server", e);
                }
            default:
                return ""; // it may be kept from strangers
        }
    }
}
