using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.Kube.Certificates;

namespace Serval.ApiServer.Tests;

/// <summary>A server on a free port of its own, and a client that holds the administrator's certificate.</summary>
internal sealed class ApiServerFixture : IAsyncDisposable
{
    private readonly string _directory;

    private ApiServerFixture(string directory, ApiServerHost host, FakeKubeClient objects, FakePodStreams streams, ManualTime clock, ErrorLog log)
    {
        _directory = directory;
        Host = host;
        Objects = objects;
        Streams = streams;
        Clock = clock;
        Log = log;
        Client = Connect(withCertificate: true);
    }

    public ApiServerHost Host { get; }

    public FakeKubeClient Objects { get; }

    public FakePodStreams Streams { get; }

    public ManualTime Clock { get; }

    public ErrorLog Log { get; }

    public HttpClient Client { get; }

    public string DataDirectory => _directory;

    public string AdminToken => File.ReadAllText(Path.Combine(_directory, "certificates", "admin.token")).Trim();

    public static async Task<ApiServerFixture> StartAsync(Func<ApiServerOptions, ApiServerOptions>? change = null)
    {
        var directory = Directory.CreateTempSubdirectory("serval-api-").FullName;
        var clock = new ManualTime(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
        var objects = new FakeKubeClient(clock);
        var streams = new FakePodStreams();
        var log = new ErrorLog();
        var options = new ApiServerOptions { DataDirectory = directory, Client = objects, PodStreams = streams, Port = 0, TimeProvider = clock, LoggerFactory = log };
        var host = await ApiServerHost.StartAsync(change?.Invoke(options) ?? options);
        return new ApiServerFixture(directory, host, objects, streams, clock, log);
    }

    public HttpClient Connect(bool withCertificate) =>
        Connect(withCertificate ? KeyPairFiles.Load(Path.Combine(_directory, "certificates"), "admin")!.ToCertificate() : null);

    /// <summary>With a certificate for a day.</summary>
    public HttpClient ConnectAs(string user, params string[] groups)
    {
        using var authority = new CertificateAuthority(KeyPairFiles.Load(Path.Combine(_directory, "certificates"), "ca")!, Clock);
        return Connect(authority.IssueClient(user, groups, TimeSpan.FromDays(1)).ToCertificate());
    }

    /// <summary>With a bearer token.</summary>
    public HttpClient ConnectWith(string token)
    {
        var client = Connect(withCertificate: false);
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    /// <summary>The administrator's way to the server, which follows no redirect.</summary>
    public SocketsHttpHandler Handler()
    {
        var handler = Handler(KeyPairFiles.Load(Path.Combine(_directory, "certificates"), "admin")!.ToCertificate());
        handler.AllowAutoRedirect = false;
        return handler;
    }

    private SocketsHttpHandler Handler(X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions() };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, served, _, _) => Trusts(served);
        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }
        return handler;
    }

    private HttpClient Connect(X509Certificate2? certificate)
    {
        return new HttpClient(Handler(certificate))
        {
            BaseAddress = Host.Address,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public async Task<(HttpResponseMessage Response, JsonObject Body)> SendAsync(
        HttpMethod method, string path, string? body = null, string type = "application/json", string accept = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }
        var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response, text.StartsWith('{') ? (JsonObject)CanonicalJson.Parse(text)! : new JsonObject { ["text"] = text });
    }

    public async Task<JsonObject> GetAsync(string path, string accept = "application/json") =>
        (await SendAsync(HttpMethod.Get, path, accept: accept)).Body;

    public Task<(HttpResponseMessage Response, JsonObject Body)> CreateConfigMapAsync(string name, string more = "") =>
        SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps", ConfigMap(name, more));

    public static string ConfigMap(string name, string more = "") =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"{{{more}}}},"data":{"a":"1"}}""";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        Assert.True(Log.Errors.IsEmpty, string.Join('\n', Log.Errors));
    }

    /// <summary>Whether it is the server's.</summary>
    public bool Trusts(X509Certificate? certificate)
    {
        using var root = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_directory, "certificates", "ca.crt"));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = root.NotBefore.AddDays(1);
        return certificate is X509Certificate2 served && chain.Build(served) && served.MatchesHostname(Host.Address.Host);
    }
}
