using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>The Kubernetes API of a running server, over HTTPS, as far as the command line needs it.</summary>
internal sealed class RemoteClient : IDisposable
{
    public const string TableType = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly KubeConfig _config;
    private readonly HttpClient _http;
    private readonly CliContext _context;

    public RemoteClient(KubeConfig config, CliContext context)
    {
        _config = config;
        _context = context;
        _http = new HttpClient(CreateHandler(config), disposeHandler: true) { BaseAddress = config.Server, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd("serval-cli");
        if (config.Token.Length > 0)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", config.Token);
        }
    }

    public string Namespace => _config.Namespace;

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
            if (line.Length > 0 && JsonNode.Parse(line) is JsonObject change && change["object"] is JsonObject obj)
            {
                yield return ((string?)change["type"] ?? "", obj);
            }
        }
    }

    private static SocketsHttpHandler CreateHandler(KubeConfig config)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = config.ServerName.Length > 0 ? config.ServerName : config.Server.Host };
        if (config.Client is { } certificate)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        }
        if (config.Authorities.Count > 0)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(config.Authorities);
        }
        tls.RemoteCertificateValidationCallback = (_, _, _, errors) => errors == SslPolicyErrors.None || config.SkipVerification;
        return new SocketsHttpHandler { SslOptions = tls, UseProxy = !config.Server.IsLoopback, AutomaticDecompression = DecompressionMethods.GZip };
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
            return JsonNode.Parse(body) as JsonObject ?? throw new ApiException(502, "", $"the server's answer to {request.RequestUri} is not an object");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Timeout, $"{_config.Server} did not answer within {s_patience.TotalSeconds:0} seconds; look at the output of `serval up`");
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCodes.Failed, $"{_config.Server} does not speak the Kubernetes API ({e.Message}); check the server in {_config.Path}", e);
        }
    }

    private async Task<HttpResponseMessage> ConnectAsync(HttpRequestMessage request, CancellationToken ct)
    {
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (HttpRequestException e)
        {
            var cause = e.InnerException is SocketException socket ? socket.Message : e.InnerException?.Message ?? e.Message;
            throw new CliException(
                ExitCodes.NotReachable, $"no server answers at {_config.Server} ({cause.TrimEnd('.')}), which {_config.Path} names; start it with `serval up`", e);
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
