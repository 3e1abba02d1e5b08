using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Serval.Api;

namespace Serval.Kube.Streams;

/// <summary>Talks of clients with the programs and ports of pods, over SPDY or the channels of a WebSocket, as the request asks.</summary>
/// <param name="source">The pods.</param>
/// <param name="time">The clock.</param>
/// <param name="isKubelet">
/// Whether it speaks for a kubelet, which tells as it is why a command did not begin. An API server that speaks the fifth
/// protocol of WebSockets asks the kubelet by SPDY, and what that says is the cause of an error of its own (apiserver pkg/util/proxy/streamtranslator.go).
/// </param>
internal sealed class PodTalks(IPodStreams source, TimeProvider time, bool isKubelet)
{
    private const int MostPorts = 128; // channels have one byte, and each port takes two

    /// <summary>
    /// Finds the program. What it returns changes the protocol and talks until the program ends, the client has gone or the token is cancelled.
    /// <see cref="ApiException"/>: it is refused, as by <see cref="IPodStreams.ExecAsync"/>.
    /// </summary>
    public async Task<Func<CancellationToken, Task>> PrepareAsync(HttpContext http, ObjectKey pod, ExecOptions options, bool attaches)
    {
        if (options is { Stdin: false, Stdout: false, Stderr: false })
        {
            throw ApiException.BadRequest("you must specify at least 1 of stdin, stdout, stderr");
        }
        var program = await (attaches ? source.AttachAsync(pod, options, http.RequestAborted) : source.ExecAsync(pod, options, http.RequestAborted));
        return ct => TalkAsync(http, options, program, ct);
    }

    /// <summary>Connections to ports of a pod; what it returns is as that of <see cref="PrepareAsync"/>.</summary>
    /// <param name="http">The request.</param>
    /// <param name="pod">The pod.</param>
    /// <param name="uid">The pod's.</param>
    /// <param name="parameter">What of the query names the ports for clients whose protocol has no other place for them.</param>
    public Func<CancellationToken, Task> Forward(HttpContext http, ObjectKey pod, string uid, string parameter)
    {
        const string tunnel = SpdyUpgrade.Name + "+" + PortForward.Protocol;
        if (SpdyUpgrade.IsAsked(http.Request))
        {
            var spoken = SpdyUpgrade.Choose(http, PortForward.Protocol);
            return ct => ForwardAsync(async limit =>
            {
                await using var transport = await SpdyUpgrade.AcceptAsync(http, spoken);
                await new PortForward(source, pod, uid, time, limit).RunAsync(transport);
            }, ct);
        }
        if (WebSocketUpgrade.Offered(http.Request).Contains(tunnel) && WebSocketUpgrade.IsAsked(http.Request))
        {
            return ct => ForwardAsync(async limit =>
            {
                using var socket = await WebSocketUpgrade.AcceptAsync(http, tunnel);
                await new PortForward(source, pod, uid, time, limit).RunAsync(new TunnelStream(socket));
            }, ct);
        }
        var protocol = Channels(http, ChannelProtocol.ChooseForPorts);
        var ports = Ports(http.Request, parameter);
        return ct => ForwardAsync(async limit =>
        {
            using var socket = await WebSocketUpgrade.AcceptAsync(http, protocol.Name);
            await new PortForwardSocket(source, pod, uid, ports, time, limit).RunAsync(socket, protocol);
        }, ct);
    }

    private async Task TalkAsync(HttpContext http, ExecOptions options, RemoteProgram program, CancellationToken ended)
    {
        try
        {
            await using var remote = await MeetAsync(http, options, ended);
            try
            {
                await remote.EndAsync(await StatusAsync(program, remote, isTranslated: !isKubelet && remote is ChannelSocket { HasClose: true }));
            }
            catch (Exception e) when (remote.Gone.IsCancellationRequested && e is OperationCanceledException or IOException)
            {
                // There is nobody to tell.
            }
        }
        catch (IOException) when (http.Response.HasStarted)
        {
            // It has gone already.
        }
    }

    private static async Task<RemoteStatus> StatusAsync(RemoteProgram program, IRemoteClient remote, bool isTranslated)
    {
        try
        {
            return new RemoteStatus(await program(remote.Streams, remote.Gone));
        }
        catch (ApiException e)
        {
            return new RemoteStatus(isTranslated ? new ApiException(500, "InternalError", "Internal error occurred: " + e.Message) : e);
        }
    }

    private async Task<IRemoteClient> MeetAsync(HttpContext http, ExecOptions options, CancellationToken ended)
    {
        if (SpdyUpgrade.IsAsked(http.Request))
        {
            var spoken = SpdyUpgrade.Choose(http, SpdyRemoteClient.Protocols);
            return await SpdyRemoteClient.MeetAsync(await SpdyUpgrade.AcceptAsync(http, spoken), spoken, options, time, ended);
        }
        var protocol = Channels(http, ChannelProtocol.Choose);
        return new ChannelSocket(await WebSocketUpgrade.AcceptAsync(http, protocol.Name), protocol, options, time, ended);
    }

    private async Task ForwardAsync(Func<IdleLimit, Task> forward, CancellationToken ended)
    {
        using var limit = new IdleLimit(time, ended);
        try
        {
            await forward(limit);
        }
        catch (Exception e) when (e is IOException or WebSocketException or OperationCanceledException)
        {
            // The client has gone, or is not understood any more.
        }
        finally
        {
            await limit.CancelAsync();
        }
    }

    private static ChannelProtocol Channels(HttpContext http, Func<IReadOnlyList<string>, ChannelProtocol?> choose)
    {
        if (!WebSocketUpgrade.IsAsked(http.Request))
        {
            throw ApiException.BadRequest("Upgrade request required");
        }
        var offered = WebSocketUpgrade.Offered(http.Request);
        return choose(offered) ?? throw ApiException.BadRequest($"unable to upgrade: none of the subprotocols {string.Join(", ", offered)} is served");
    }

    private static List<int> Ports(HttpRequest request, string parameter)
    {
        var ports = new List<int>();
        foreach (var text in request.Query[parameter].SelectMany(p => (p ?? "").Split(',')))
        {
            ports.Add(ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
                ? port
                : throw ApiException.BadRequest($"unable to parse \"{text}\" as a port"));
        }
        return ports.Count is > 0 and <= MostPorts ? ports : throw ApiException.BadRequest($"query parameter \"{parameter}\" is required, and names at most {MostPorts}");
    }
}
