using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Serval.Testing;

/// <summary>A plain HTTPS client of the API, from a kubeconfig with inline certificates.</summary>
internal sealed class KubeHttp : IDisposable
{
    private readonly HttpClient _http;

    internal KubeHttp(string kubeconfig)
    {
        var text = File.ReadAllText(kubeconfig);
        Server = new Uri(Field(text, "server"));
        var ca = X509CertificateLoader.LoadCertificate(Pem(Decode(text, "certificate-authority-data")));
        using var pair = X509Certificate2.CreateFromPem(Decode(text, "client-certificate-data"), Decode(text, "client-key-data"));
        var client = X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pfx), null);
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            MaxConnectionsPerServer = 64,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [client],
                RemoteCertificateValidationCallback = (_, certificate, _, errors) => Trusted(certificate, ca, errors),
            },
        }) { BaseAddress = Server, Timeout = TimeSpan.FromMinutes(5) };
    }

    internal Uri Server { get; }

    internal async Task<JsonObject> GetAsync(string path) => Read(path, await SendAsync(HttpMethod.Get, path, null));

    internal async Task<JsonObject> PostAsync(string path, string json) => Read(path, await SendAsync(HttpMethod.Post, path, json));

    internal async Task<JsonObject> PatchAsync(string path, string json) =>
        Read(path, await SendAsync(HttpMethod.Patch, path, json, "application/merge-patch+json"));

    internal async Task<JsonObject> DeleteAsync(string path) => Read(path, await SendAsync(HttpMethod.Delete, path, null));

    /// <summary>Status code and body, whatever the code.</summary>
    internal async Task<(int Code, string Body)> SendAsync(HttpMethod method, string path, string? json, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }
        using var response = await _http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Follows a watch until <paramref name="done"/> says so.</summary>
    internal Task WatchUntilAsync(string path, Func<string, JsonObject, bool> done, CancellationToken ct) => FollowAsync(path, line =>
    {
        var frame = JsonNode.Parse(line)!.AsObject();
        return done((string)frame["type"]!, frame["object"]!.AsObject());
    }, ct);

    /// <summary>Follows the frames of a watch as they are, one a line, until <paramref name="done"/> says so; watches over HTTP/2 share a connection.</summary>
    internal async Task FollowAsync(string path, Func<string, bool> done, CancellationToken ct, Version? version = null, Action? opened = null)
    {
        var separator = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}{separator}watch=true") { Version = version ?? _http.DefaultRequestVersion };
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        response.EnsureSuccessStatusCode();
        opened?.Invoke();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(ct));
        while (await reader.ReadLineAsync(ct) is { } line)
        {
            if (done(line))
            {
                return;
            }
        }
        throw new IOException($"the watch of {path} ended before what was waited for came");
    }

    public void Dispose() => _http.Dispose();

    internal static string? ConditionOf(JsonNode? obj, string type, string field = "status") => (string?)obj?["status"]?["conditions"]?.AsArray()
        .FirstOrDefault(c => (string?)c!["type"] == type)?[field];

    /// <summary>Ready for the spec that is stored.</summary>
    internal static bool IsReady(JsonObject obj) =>
        ConditionOf(obj, "Ready") == "True" && (long?)obj["status"]?["observedGeneration"] == (long?)obj["metadata"]?["generation"];

    private static JsonObject Read(string path, (int Code, string Body) answer) => answer.Code < 300
        ? JsonNode.Parse(answer.Body)!.AsObject()
        : throw new HttpRequestException($"{path}: {answer.Code}: {answer.Body}");

    private static bool Trusted(X509Certificate? certificate, X509Certificate2 ca, SslPolicyErrors errors)
    {
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var copy = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return chain.Build(copy);
    }

    private static string Field(string text, string name) =>
        Regex.Match(text, $@"""?{Regex.Escape(name)}""?:\s*""?([^\s"",]+)", RegexOptions.None, TimeSpan.FromSeconds(1)) is { Success: true } match
            ? match.Groups[1].Value
            : throw new JsonException($"the kubeconfig has no {name}");

    private static string Decode(string text, string name) => Encoding.UTF8.GetString(Convert.FromBase64String(Field(text, name)));

    private static byte[] Pem(string text)
    {
        var fields = System.Security.Cryptography.PemEncoding.Find(text);
        return Convert.FromBase64String(text[fields.Base64Data]);
    }
}
