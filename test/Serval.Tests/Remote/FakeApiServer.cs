using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Serval.Tests.Remote;

/// <summary>An HTTPS server with client certificates that answers from a list of canned responses, by method and path.</summary>
internal sealed class FakeApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _client;

    private FakeApiServer()
    {
        (_authority, var server, _client) = Certificates();
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, o =>
        {
            o.Protocols = HttpProtocols.Http1AndHttp2;
            o.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = server,
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (certificate, _, _) => certificate.Thumbprint == _client.Thumbprint,
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>"GET /path?query" → answer; without the query it answers any.</summary>
    public Dictionary<string, Func<HttpContext, JsonNode?, Task>> Answers { get; } = new(StringComparer.Ordinal);

    public List<(string Line, JsonNode? Body, string Type)> Requests { get; } = [];

    public static async Task<FakeApiServer> StartAsync(string dataDirectory)
    {
        var server = new FakeApiServer();
        await server._app.StartAsync();
        Directory.CreateDirectory(dataDirectory);
        await File.WriteAllTextAsync(Path.Combine(dataDirectory, "kubeconfig"), server.KubeConfig());
        return server;
    }

    public void Json(string line, string json, int status = 200, string? warning = null) => Answers[line] = async (context, _) =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (warning is not null)
        {
            context.Response.Headers.Append("Warning", $"299 - \"{warning}\"");
        }
        await context.Response.WriteAsync(json);
    };

    public void Text(string line, string text) => Answers[line] = (context, _) => context.Response.WriteAsync(text);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static (X509Certificate2 Authority, X509Certificate2 Server, X509Certificate2 Client) Certificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        var (from, to) = (new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var authority = request.CreateSelfSigned(from, to);
        return (authority, Issue("CN=server", [1]), Issue("CN=admin", [2]));

        X509Certificate2 Issue(string name, byte[] serial)
        {
            using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var leaf = new CertificateRequest(name, own, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(IPAddress.Loopback);
            leaf.CertificateExtensions.Add(names.Build());
            return leaf.Create(authority, from, to, serial).CopyWithPrivateKey(own);
        }
    }

    private string KubeConfig()
    {
        static string Data(string pem) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(pem));
        return $$"""
            apiVersion: v1
            kind: Config
            current-context: test
            contexts:
            - name: test
              context: {cluster: test, user: admin}
            clusters:
            - name: test
              cluster:
                server: {{_app.Urls.First()}}
                certificate-authority-data: {{Data(_authority.ExportCertificatePem())}}
            users:
            - name: admin
              user:
                client-certificate-data: {{Data(_client.ExportCertificatePem())}}
                client-key-data: {{Data(_client.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())}}
            """;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        var body = text.Length > 0 ? JsonNode.Parse(text) : null;
        var path = $"{context.Request.Method} {context.Request.Path}";
        var line = path + context.Request.QueryString;
        lock (Requests)
        {
            Requests.Add((line, body, context.Request.ContentType ?? ""));
        }
        if (Answers.TryGetValue(line, out var answer) || Answers.TryGetValue(path, out answer))
        {
            await answer(context, body);
            return;
        }
        context.Response.StatusCode = 404;
        await context.Response.WriteAsync("""{"kind":"Status","status":"Failure","reason":"NotFound","message":"services.serving.knative.dev \"hello\" not found","code":404}""");
    }
}
