using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Composition;
using Serval.Images;
using Serval.Kube;

namespace Serval.Tests.Cli;

public sealed class UpTests : IDisposable
{
    private readonly TestCli _cli = new();
    private readonly TaskCompletionSource<FakeHost> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Up_Stopped_TellsWhereItRanAndEndsWithZero()
    {
        using var stop = new CancellationTokenSource();
        _cli.StartHost = (options, _) => StartAsync(options);

        var running = _cli.RunAsync("", stop.Token, "up", "--http-port", "0", "--api-port", "7443", "--listen", "0.0.0.0", "-o", "json");
        var host = await _started.Task;
        await stop.CancelAsync();
        var result = await running;

        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.Equal((0, 7443, IPAddress.Any, _cli.Data), (host.Options.HttpPort, host.Options.ApiPort, host.Options.ListenAddress, host.Options.DataDirectory));
        var ready = JsonNode.Parse(result.Out)!;
        Assert.Equal("http://127.0.0.1:18880", (string?)ready["gateway"]);
        Assert.Equal("http://10.0.0.1", (string?)ready["privateGateway"]);
        Assert.Equal("https://127.0.0.1:18843", (string?)ready["secureGateway"]);
        Assert.Equal("/k", (string?)ready["kubeconfig"]);
        Assert.True(host.Disposed);
        Assert.False(File.Exists(RunState.PathIn(_cli.Data)));
    }

    [Theory]
    [InlineData(8843)]
    [InlineData(0, "--http-port", "0")]
    [InlineData(8843, "--http-port", "9000")]
    [InlineData(0, "--https-port", "0")]
    [InlineData(443, "--https-port", "443", "--http-port", "0")]
    public async Task Up_PortForTls_IsAnyBesideAnyOtherPort(int expected, params string[] arguments)
    {
        using var stop = new CancellationTokenSource();
        _cli.StartHost = (options, _) => StartAsync(options);
        var running = _cli.RunAsync("", stop.Token, ["up", .. arguments]);
        var host = await _started.Task;
        await stop.CancelAsync();
        await running;
        Assert.Equal(expected, host.Options.HttpsPort);
    }

    [Fact]
    public async Task Up_PortTaken_SaysWhichAndWhatToDo()
    {
        _cli.StartHost = (_, _) => Task.FromException<IServalHost>(new IOException("bind", new SocketException((int)SocketError.AddressAlreadyInUse)));

        var result = await _cli.RunAsync("up");

        Assert.Equal(ExitCodes.Failed, result.Code);
        Assert.Contains("8880", result.Error, StringComparison.Ordinal);
        Assert.Contains("--http-port", result.Error, StringComparison.Ordinal);
    }

    private Task<IServalHost> StartAsync(ServalOptions options)
    {
        var host = new FakeHost(options, _started);
        return Task.FromResult<IServalHost>(host);
    }

    private sealed class FakeHost(ServalOptions options, TaskCompletionSource<FakeHost> told) : IServalHost
    {
        public ServalOptions Options => options;

        public bool Disposed { get; private set; }

        public Uri GatewayUri { get; } = new("http://127.0.0.1:18880");

        public Uri SecureGatewayUri { get; } = new("https://127.0.0.1:18843");

        public Uri PrivateGatewayUri { get; } = new("http://10.0.0.1");

        public Uri ApiUri { get; } = new("https://127.0.0.1:16443");

        // Read last when the verb tells that it is ready.
        public string KubeconfigPath
        {
            get
            {
                told.TrySetResult(this);
                return "/k";
            }
        }

        public IKubeClient Client => throw new InvalidOperationException("not used by up");

        public ImageStore Images => throw new InvalidOperationException("not used by up");

        public ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
