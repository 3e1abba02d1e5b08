using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serval.Api.Core;
using Serval.Node.Probes;

namespace Serval.Node.Tests;

/// <summary>Probes against real servers.</summary>
public sealed class ProbeWireTests
{
    private static readonly Lock s_proxyLock = new();
    private static bool s_proxySet;
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(1);

    public ProbeWireTests()
    {
        lock (s_proxyLock)
        {
            if (!s_proxySet)
            {
                // As HTTP_PROXY would: nobody listens there.
                HttpClient.DefaultProxy = new WebProxy("http://127.0.0.1:1");
                s_proxySet = true;
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("shop.v1.Carts")]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(300)]
    public async Task Grpc_AsksForTheService_WhateverProxyIsSet(object service)
    {
        var name = service is int length ? new string('s', length) : (string)service;
        var asked = "";
        await using var server = await ServeAsync(HttpProtocols.Http2, async http =>
        {
            asked = await ServiceAsync(http);
            await AnswerAsync(http, [8, 1]);
        });

        var result = await GrpcCheck.RunAsync(new GrpcAction { Service = name }, new ProbeTarget("127.0.0.1", Port(server)), CancellationToken.None);

        Assert.Equal(ProbeResult.Success, result);
        Assert.Equal(name, asked);
    }

    [Theory]
    [InlineData(new byte[] { 8, 2 })] // NOT_SERVING
    [InlineData(new byte[] { })] // UNKNOWN
    public async Task Grpc_NotServing_Fails(byte[] message)
    {
        await using var server = await ServeAsync(HttpProtocols.Http2, http => AnswerAsync(http, message));

        var result = await GrpcCheck.RunAsync(new GrpcAction(), new ProbeTarget("127.0.0.1", Port(server)), CancellationToken.None);

        Assert.False(result.Ok);
        Assert.Contains("service unhealthy (grpc-status 0, HTTP 200)", result.Message);
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(302, true)]
    [InlineData(503, false)]
    public async Task Https_CertificateOfNobody_OnlyTheStatusCounts(int status, bool ok)
    {
        await using var server = await ServeAsync(
            HttpProtocols.Http1,
            http =>
            {
                http.Response.StatusCode = http.Request.Path == "/health" && http.Request.Headers["X-Probe"] == "yes" ? status : 404;
                return Task.CompletedTask;
            },
            tls: true);
        var get = new HttpGetAction { Path = "/health", Scheme = "HTTPS", HttpHeaders = [new HttpHeader("X-Probe", "yes")] };

        var result = await NetworkChecks.HttpAsync(get, new ProbeTarget("127.0.0.1", Port(server)), CancellationToken.None);

        Assert.Equal((ok, ok ? "" : $"HTTP probe failed with statuscode: {status}"), (result.Ok, result.Message));
    }

    [Fact]
    public async Task Https_ServerSpeaksPlain_SaysWhy()
    {
        await using var server = await ServeAsync(HttpProtocols.Http1, _ => Task.CompletedTask);

        var result = await NetworkChecks.HttpAsync(
            new HttpGetAction { Path = "/", Scheme = "HTTPS" }, new ProbeTarget("127.0.0.1", Port(server)), CancellationToken.None);

        Assert.False(result.Ok);
        Assert.StartsWith($"Get \"https://127.0.0.1:{Port(server)}/\": ", result.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpProtocols.Http2, 200, "HTTP/2", true)]
    [InlineData(HttpProtocols.Http1, 200, "HTTP/1.1", true)]
    [InlineData(HttpProtocols.Http1, 503, "HTTP/1.1", false)]
    public async Task EitherHttp_IsTriedWithHttp2First(HttpProtocols spoken, int status, string protocol, bool ok)
    {
        var asked = "";
        await using var server = await ServeAsync(spoken, http =>
        {
            asked = $"{http.Request.Protocol} {http.Request.Path} {http.Request.Headers["X-Probe"]} {http.Request.Headers.UserAgent}";
            http.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        var get = new HttpGetAction { Path = "/health", HttpHeaders = [new HttpHeader("X-Probe", "yes")] };
        var target = new ProbeTarget("127.0.0.1", Port(server));

        Assert.Equal(ok, (await NetworkChecks.EitherHttpAsync(get, target, s_timeout, TimeProvider.System, CancellationToken.None)).Ok);

        Assert.StartsWith($"{protocol} /health yes kube-probe/", asked, StringComparison.Ordinal);
        Assert.Equal(ok && spoken == HttpProtocols.Http1, (await NetworkChecks.HttpAsync(get, target, CancellationToken.None)).Ok);
    }

    [Fact]
    public async Task EitherHttp_LongAnswerOfHttp2_IsNotWaitedFor()
    {
        await using var server = await ServeAsync(HttpProtocols.Http2, http => http.Response.Body.WriteAsync(new byte[1 << 20], http.RequestAborted).AsTask());

        Assert.True((await EitherAsync(Port(server), TimeProvider.System)).Ok);
    }

    [Fact]
    public async Task EitherHttp_ProgramWaitsForALineOfHttp1_IsAskedAgainInTheSecondHalf()
    {
        var time = new ManualTime();
        using var program = new TcpListener(IPAddress.Loopback, 0);
        program.Start();
        var asking = EitherAsync(((IPEndPoint)program.LocalEndpoint).Port, time);
        using var silent = await program.AcceptTcpClientAsync();

        time.Advance(s_timeout / 2);

        using var second = await program.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(20));
        await second.GetStream().WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
        Assert.True((await asking).Ok);
    }

    private static Task<ProbeResult> EitherAsync(int port, TimeProvider time) =>
        NetworkChecks.EitherHttpAsync(new HttpGetAction { Path = "/" }, new ProbeTarget("127.0.0.1", port), s_timeout, time, CancellationToken.None);

    private static async Task<WebApplication> ServeAsync(HttpProtocols protocols, RequestDelegate answer, bool tls = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l =>
        {
            l.Protocols = protocols;
            if (tls)
            {
                l.UseHttps(Certificate());
            }
        }));
        var server = builder.Build();
        server.Run(answer);
        await server.StartAsync();
        return server;
    }

    private static int Port(WebApplication server) =>
        new Uri(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    // The message of a gRPC frame: field 1 is the service's name.
    private static async Task<string> ServiceAsync(HttpContext http)
    {
        Assert.Equal("application/grpc", http.Request.ContentType);
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var frame = body.ToArray();
        Assert.Equal(0, frame[0]);
        Assert.Equal(frame.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)));
        if (frame.Length == 5)
        {
            return "";
        }
        Assert.Equal(0x0a, frame[5]);
        var (length, at, shift) = (0, 6, 0);
        for (; ; at++, shift += 7)
        {
            length |= (frame[at] & 0x7f) << shift;
            if (frame[at] < 0x80)
            {
                break;
            }
        }
        Assert.Equal(frame.Length, at + 1 + length);
        return System.Text.Encoding.UTF8.GetString(frame.AsSpan(at + 1));
    }

    private static async Task AnswerAsync(HttpContext http, byte[] message)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.DeclareTrailer("grpc-status");
        byte[] frame = [0, 0, 0, 0, (byte)message.Length, .. message];
        await http.Response.Body.WriteAsync(frame);
        http.Response.AppendTrailer("grpc-status", "0");
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=nobody", key, HashAlgorithmName.SHA256);
        using var made = request.CreateSelfSigned(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2021, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
