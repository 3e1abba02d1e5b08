using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Kube.Remote;

namespace Serval.Remote;

/// <summary>The Kubernetes API of a running server, over HTTPS, as far as the command line needs it.</summary>
internal sealed class RemoteClient : IDisposable
{
    public const string TableType = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly ClusterAccess _access;
    private readonly HttpClient _http;
    private readonly CliContext _context;

    public RemoteClient(ClusterAccess access, CliContext context)
    {
        _access = access;
        _context = context;
        _http = new HttpClient(access.CreateHandler(), disposeHandler: true) { BaseAddress = access.Server, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("serval-cli");
    }

    /// <summary>A client of the server that a kubeconfig's context names.</summary>
    /// <param name="path">The kubeconfig.</param>
    /// <param name="wanted">The context; empty takes the current one.</param>
    /// <param name="context">Where warnings go.</param>
    public static RemoteClient Open(string path, string wanted, CliContext context)
    {
        try
        {
            return new RemoteClient(KubeConfig.Read(path, wanted, context.Time), context);
        }
        catch (KubeConfigException e)
        {
            throw new CliException(ExitCodes.Usage, $"{e.Message}; let `serval up` write it again, or name another with --kubeconfig", e);
        }
    }

    /// <summary>The server, and how it is reached.</summary>
    public ClusterAccess Access => _access;

    public string Namespace => _access.Namespace;

    public void Dispose() => _http.Dispose();

    public async Task<JsonObject> GetAsync(string path, CancellationToken ct, string accept = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await SendAsync(request, ct);
    }

    /// <summary>The object, or null when it does not exist.</summary>
    public async Task<JsonObject?> FindAsync(string path, CancellationToken ct)
    {
        try
        {
            return await GetAsync(path, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    public async Task<JsonObject> SendAsync(HttpMethod method, string path, JsonNode body, string contentType, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(CanonicalJson.Serialize(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return await SendAsync(request, ct);
    }

    /// <param name="path">The object.</param>
    /// <param name="propagation">Whether its dependents go after it (<c>Background</c>) or before it (<c>Foreground</c>).</param>
    /// <param name="ct">Ends the call.</param>
    public Task<JsonObject> DeleteAsync(string path, string propagation, CancellationToken ct)
    {
        var options = new JsonObject { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1", ["propagationPolicy"] = propagation };
        return SendAsync(HttpMethod.Delete, path, options, "application/json", ct);
    }

    /// <summary>A response whose body is read as it comes (logs, watches); the caller disposes it.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        var response = await ConnectAsync(request, ct);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }
        using (response)
        {
            throw Failure(response, await response.Content.ReadAsByteArrayAsync(ct));
        }
    }

    /// <summary>Changes as they come: type and object. Ends when the server ends the watch.</summary>
    public async IAsyncEnumerable<(string Type, JsonObject Object)> WatchAsync(string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        using var response = await OpenAsync(path, ct);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(ct));
        while (await reader.ReadLineAsync(ct) is { } line)
        {
            if (line.Length > 0 && CanonicalJson.Parse(line) is JsonObject change && change["object"] is JsonObject obj)
            {
                yield return ((string?)change["type"] ?? "", obj);
            }
        }
    }

    private static ApiException Failure(HttpResponseMessage response, byte[] body)
    {
        var code = (int)response.StatusCode;
        try
        {
            if (JsonNode.Parse(body) is JsonObject status && (string?)status["message"] is { Length: > 0 } message)
            {
                return new ApiException(code, (string?)status["reason"] ?? "", message);
            }
        }
        catch (JsonException)
        {
            // Not a Status: the code says what there is to say.
        }
        return new ApiException(code, "", $"the server answered {code} {response.ReasonPhrase} to {response.RequestMessage?.Method} {response.RequestMessage?.RequestUri?.PathAndQuery}");
    }

    private async Task<JsonObject> SendAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(s_patience, _context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            using var response = await ConnectAsync(request, both.Token);
            var body = await response.Content.ReadAsByteArrayAsync(both.Token);
            Warnings(response);
            if (!response.IsSuccessStatusCode)
            {
                throw Failure(response, body);
            }
            return CanonicalJson.Parse(body) as JsonObject ?? throw new ApiException(502, "", $"the server's answer to {request.RequestUri} is not an object");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Timeout, $"{_access.Server} did not answer within {s_patience.TotalSeconds:0} seconds; look at the output of `serval up`");
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCodes.Failed, $"{_access.Server} does not speak the Kubernetes API ({e.Message}); check the server in {_access.Source}", e);
        }
    }

    private async Task<HttpResponseMessage> ConnectAsync(HttpRequestMessage request, CancellationToken ct)
    {
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (KubeConfigException e)
        {
            throw new CliException(ExitCodes.Usage, $"{e.Message}; correct {_access.Source}", e);
        }
        catch (HttpRequestException e)
        {
            var cause = e.InnerException is SocketException socket ? socket.Message : e.InnerException?.Message ?? e.Message;
            throw new CliException(
                ExitCodes.NotReachable, $"no server answers at {_access.Server} ({cause.TrimEnd('.')}), which {_access.Source} names; start it with `serval up`", e);
        }
    }

    // RFC 9111: 299 - "text"
    private void Warnings(HttpResponseMessage response)
    {
        foreach (var warning in response.Headers.Warning)
        {
            _context.Warn(warning.Text.Trim('"').Replace("\\\"", "\"", StringComparison.Ordinal));
        }
    }
}
