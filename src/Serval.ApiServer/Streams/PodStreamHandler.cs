using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Api.Core;
using Serval.ApiServer.Http;
using Serval.Kube;

namespace Serval.ApiServer.Streams;

/// <summary>GET and POST of <c>pods/NAME/exec</c>, <c>attach</c> and <c>portforward</c>: the answer is a talk with a program.</summary>
internal sealed class PodStreamHandler(IKubeClient client, IPodStreams? streams, TimeProvider time, CancellationToken stopping)
{
    /// <summary>Most talks at a time, of all pods: each holds some 200 KB.</summary>
    private const int MostSessions = 500;

    /// <summary>Most of them of one user who is no administrator.</summary>
    private const int MostOfUser = 100;

    private const int MostPorts = 128; // channels have one byte, and each port takes two

    private readonly OpenRequests _open = new("streams to pods", MostSessions, MostOfUser);

    public async Task HandleAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method is not ("GET" or "POST"))
        {
            throw Failures.MethodNotAllowed();
        }
        var talk = await PrepareAsync(request, path);
        _open.Enter(request.User);
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
            await talk(ended.Token);
        }
        finally
        {
            _open.Leave(request.User);
        }
    }

    // What can be refused is, before the protocol changes.
    private async Task<Func<CancellationToken, Task>> PrepareAsync(ApiRequest request, ResourcePath path)
    {
        var command = request.Http.Request.Query["command"].Select(c => c ?? "").ToList();
        if (path.Subresource == "exec" && (command.Count == 0 || command[0].Length == 0))
        {
            var problems = new OptionProblems("PodExecOptions", group: "", path.Name);
            problems.Required("command");
            problems.Throw();
        }
        var pod = (await client.GetAsync(path.Kind, path.Key, request.Aborted)).As<Pod>();
        if (pod.Status.Phase is "Succeeded" or "Failed")
        {
            var what = path.Subresource switch { "exec" => "exec into a container in", "attach" => "attach a container in", _ => "forward a port of" };
            throw ApiException.BadRequest($"cannot {what} a completed pod; current phase is {pod.Status.Phase}");
        }
        var source = streams ?? throw Failures.NoPodStreams();
        if (path.Subresource == "portforward")
        {
            return Forwarding(request.Http, source, path.Key, pod.Metadata.Uid);
        }
        var options = Options(request, command);
        if (options is { Stdin: false, Stdout: false, Stderr: false })
        {
            throw ApiException.BadRequest("you must specify at least 1 of stdin, stdout, stderr");
        }
        var program = await (path.Subresource == "exec" ? source.ExecAsync(path.Key, options, request.Aborted) : source.AttachAsync(path.Key, options, request.Aborted));
        return ct => TalkAsync(request.Http, options, program, ct);
    }

    private async Task TalkAsync(HttpContext http, ExecOptions options, RemoteProgram program, CancellationToken ended)
    {
        try
        {
            await using var remote = await MeetAsync(http, options, ended);
            try
            {
                await remote.EndAsync(await StatusAsync(program, remote));
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

    private static async Task<RemoteStatus> StatusAsync(RemoteProgram program, IRemoteClient remote)
    {
        try
        {
            return new RemoteStatus(await program(remote.Streams, remote.Gone));
        }
        catch (ApiException e)
        {
            return new RemoteStatus(e);
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

    private Func<CancellationToken, Task> Forwarding(HttpContext http, IPodStreams source, ObjectKey pod, string uid)
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
                await using var transport = WebSocketStream.Create(socket, WebSocketMessageType.Binary, ownsWebSocket: true);
                await new PortForward(source, pod, uid, time, limit).RunAsync(transport);
            }, ct);
        }
        var protocol = Channels(http, ChannelProtocol.ChooseForPorts);
        var ports = Ports(http.Request);
        return ct => ForwardAsync(async limit =>
        {
            using var socket = await WebSocketUpgrade.AcceptAsync(http, protocol.Name);
            await new PortForwardSocket(source, pod, uid, ports, time, limit).RunAsync(socket, protocol);
        }, ct);
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

    private static List<int> Ports(HttpRequest request)
    {
        var ports = new List<int>();
        foreach (var text in request.Query["ports"].SelectMany(p => (p ?? "").Split(',')))
        {
            ports.Add(ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
                ? port
                : throw ApiException.BadRequest($"unable to parse \"{text}\" as a port"));
        }
        return ports.Count is > 0 and <= MostPorts ? ports : throw ApiException.BadRequest($"query parameter \"ports\" is required, and names at most {MostPorts}");
    }

    private static ExecOptions Options(ApiRequest request, IReadOnlyList<string> command) => new()
    {
        Container = request.Query("container"), Command = command, Stdin = request.Flag("stdin"), Stdout = request.Flag("stdout"), Tty = request.Flag("tty"),
        Stderr = request.Flag("stderr") && !request.Flag("tty"), // a terminal has one stream for both
    };
}
