using Serval.Tests.Cli;

namespace Serval.Tests.Remote;

/// <summary>Tests of commands that ask a server: a command line of its own, and a server that answers as the test says.</summary>
public abstract class ServedVerbTests : IAsyncLifetime, IDisposable
{
    private protected const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";

    private protected TestCli Line { get; } = new();

    private protected FakeApiServer Server { get; private set; } = null!;

    public virtual async Task InitializeAsync() => Server = await FakeApiServer.StartAsync(Line.Data);

    public async Task DisposeAsync() => await Server.DisposeAsync();

    public void Dispose()
    {
        Line.Dispose();
        GC.SuppressFinalize(this);
    }
}
