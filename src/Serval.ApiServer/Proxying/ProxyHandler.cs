using System.Net;
using System.Net.Security;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Serval.Api;
using Serval.ApiServer.Http;
using Serval.Kube;
using Serval.Kube.Remote;
using Serval.Kube.Streams;

namespace Serval.ApiServer.Proxying;

/// <summary>
/// <c>pods/NAME/proxy</c>, <c>services/NAME/proxy</c> and <c>nodes/NAME/proxy</c>: the rest of the path is asked of a program in a pod, connections that
/// change their protocol too (kubernetes pkg/registry/core/pod/rest/subresources.go; apimachinery pkg/util/proxy/upgradeaware.go).
/// </summary>
internal sealed class ProxyHandler(IKubeClient client, IPodStreams? streams, Random random, TimeProvider time, CancellationToken stopping)
{
    /// <summary>Most proxied requests at a time.</summary>
    private const int Most = 500;

    /// <summary>Most of them of one user who is no administrator.</summary>
    private const int MostOfUser = 100;

    /// <summary>Most pages that are held for their links at a time.</summary>
    private const int MostPages = 16;

    private static readonly TimeSpan s_dial = TimeSpan.FromSeconds(30); // upstream's

    private readonly OpenRequests _open = new("proxied requests", Most, MostOfUser);
    private readonly ProxyBody _bodies = new(MostPages);
    private readonly ProxyTargets _targets = new(client, random);
    private readonly NodeDoor _nodes = new(client);

    public async Task HandleAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method is not ("GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD" or "OPTIONS"))
        {
            throw Failures.MethodNotAllowed();
        }
        if (path.Kind == Kinds.Node)
        {
            await CountedAsync(request, () => _nodes.AnswerAsync(request, path));
            return;
        }
        var target = await (path.Kind == Kinds.Pod ? _targets.PodAsync(path.Namespace, path.Name, request.Aborted) : _targets.ServiceAsync(path.Namespace, path.Name, request.Aborted));
        var upgrade = WebSocketUpgrade.CanUpgrade(request.Http) ? request.Http.Request.Headers.Upgrade.ToString() : "";
        if (upgrade.Length == 0 && path.Below.Length == 0 && request.Method is "GET" or "HEAD")
        {
            request.Http.Response.StatusCode = StatusCodes.Status301MovedPermanently; // relative links of the page lead below it then
            request.Http.Response.Headers.Location = $"{ProxyPath.Prefix(path)}/{request.Http.Request.QueryString.Value}";
            return;
        }
        var source = streams ?? throw Failures.NoPodStreams();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
        await CountedAsync(request, () => ForwardAsync(request, path, source, target, upgrade, ended.Token));
    }

    private async Task CountedAsync(ApiRequest request, Func<Task> answer)
    {
        _open.Enter(request.User);
        try
        {
            await answer();
        }
        finally
        {
            _open.Leave(request.User);
        }
    }

    private async Task ForwardAsync(ApiRequest request, ResourcePath path, IPodStreams source, ProxyTarget target, string upgrade, CancellationToken ct)
    {
        var http = request.Http;
        using var invoker = new HttpMessageInvoker(Handler(source, target));
        using var message = Message(http, path, target, upgrade);
        try
        {
            using var answer = await SendAsync(invoker, message, upgrade, ct);
            if (answer.StatusCode == HttpStatusCode.SwitchingProtocols)
            {
                if (upgrade.Length == 0)
                {
                    throw Unreached("the program changed its protocol unasked");
                }
                await SwitchAsync(http, answer, Links(http, path, target), ct);
                return;
            }
            if (upgrade.Length > 0 && (int)answer.StatusCode < 400)
            {
                throw new ApiException(500, "", $"invalid upgrade response: status code {(int)answer.StatusCode}");
            }
            await CopyAsync(http, answer, Links(http, path, target), ct);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            http.Abort(); // the client has gone, maybe within its request, or the answer is not whole and must not look so
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, HttpRequestMessage message, string upgrade, CancellationToken ct)
    {
        try
        {
            return await invoker.SendAsync(message, ct);
        }
        catch (HttpRequestException e) when (e.InnerException is Microsoft.AspNetCore.Connections.ConnectionResetException)
        {
            throw; // it is the client that has gone, in the middle of its request
        }
        catch (HttpRequestException e) when (e.InnerException is BadHttpRequestException bad)
        {
            throw ApiException.BadRequest($"the request could not be read: {bad.Message}");
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is HttpRequestException or IOException or OperationCanceledException or ApiException)
        {
            var cause = e is HttpRequestException { InnerException: { } inner } ? inner.Message : e.Message;
            throw upgrade.Length > 0
                ? new ApiException(500, "", $"error dialing backend: {cause}")
                : Unreached(cause);
        }
    }

    private static ApiException Unreached(string cause) => new(503, "ServiceUnavailable", $"error trying to reach service: {cause}");

    // One connection a request: the next one may be for another pod, and a user's connection is no other user's.
#pragma warning disable CA5359 // as upstream: pods sign their certificates themselves, and what is dialed is the pod's own port
    private static ConnectionHandler Handler(IPodStreams source, ProxyTarget target) => new(new SocketsHttpHandler
    {
        UseProxy = false, AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.None, ConnectTimeout = s_dial,
        ActivityHeadersPropagator = null, MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8, ResponseHeaderEncodingSelector = (_, _) => Encoding.UTF8, // as between client and API server
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        ConnectCallback = async (_, ct) => await source.DialAsync(target.Pod, target.Uid, target.Port, ct),
    });
#pragma warning restore CA5359

    private static HttpRequestMessage Message(HttpContext http, ResourcePath path, ProxyTarget target, string upgrade)
    {
        var request = http.Request;
        var below = ProxyPath.Below(path, request.Path.Value ?? "", http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "");
        var address = new Uri($"{target.Scheme}://{target.Authority}{below}{request.QueryString.Value}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var message = new HttpRequestMessage(new HttpMethod(request.Method), address) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (upgrade.Length == 0 && http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            Unbound(http);
            message.Content = new StreamContent(request.Body);
        }
        ProxyHeaders.Copy(request, message, upgrade);
        return message;
    }

    // What passes through is held nowhere, and may be as long and slow as the two ends like.
    private static void Unbound(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }

    private static ProxyLinks Links(HttpContext http, ResourcePath path, ProxyTarget target) =>
        new(ProxyPath.Prefix(path), target.Authority, http.Request.Host.Value ?? "");

    // Nothing of an answer whose headers HTTP does not allow is passed on.
    private static void CopyHeaders(HttpResponseMessage answer, HttpResponse response, ProxyLinks links)
    {
        var own = response.Headers.ToArray();
        try
        {
            ProxyHeaders.Copy(answer, response, links);
        }
        catch (InvalidOperationException e)
        {
            response.Clear();
            foreach (var (name, values) in own)
            {
                response.Headers[name] = values;
            }
            throw Unreached(e.Message);
        }
    }

    private async Task CopyAsync(HttpContext http, HttpResponseMessage answer, ProxyLinks links, CancellationToken ct)
    {
        var response = http.Response;
        CopyHeaders(answer, response, links);
        response.StatusCode = (int)answer.StatusCode;
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }
        await _bodies.CopyAsync(answer, response, links, ct);
    }

    private async Task SwitchAsync(HttpContext http, HttpResponseMessage answer, ProxyLinks links, CancellationToken ct)
    {
        await using var inside = await answer.Content.ReadAsStreamAsync(ct);
        CopyHeaders(answer, http.Response, links);
        http.Response.Headers.Upgrade = answer.Headers.Upgrade.ToString();
        await using var outside = await http.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        using var limit = new IdleLimit(time, ct);
        var copies = new[] { CarryAsync(inside, outside, limit), CarryAsync(outside, inside, limit) };
        await Task.WhenAny(copies); // one end is done, and with it the connection
        await limit.CancelAsync();
        await Task.WhenAll(copies);
    }

    private static async Task CarryAsync(Stream from, Stream to, IdleLimit limit)
    {
        var piece = new byte[16 * 1024];
        try
        {
            while (await from.ReadAsync(piece, limit.Token) is > 0 and var count)
            {
                limit.Touch();
                await to.WriteAsync(piece.AsMemory(0, count), limit.Token);
                await to.FlushAsync(limit.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It has gone: the program's connection is there for neither way when one has found its end.
        }
    }
}
