using System.Text;
using Serval.Api;
using Serval.Kube.Certificates;

namespace Serval.Controllers.Tests.Networking;

/// <summary>Ingresses' certificates on their way to the gateway.</summary>
public sealed class TlsFeedTests
{
    private readonly FeedWorld _world = new();

    [Fact]
    public async Task Secret_IsServed_AndEachChangeOfIt()
    {
        CreateSecret("one", "first");
        await StartAsync();
        Assert.Equal("CN=first", Served("a.localhost"));
        Assert.Equal("absent", _world.Condition("a", "FieldsHonoured"));
        Patch("one", Data("second"));
        await _world.ReconcileAsync();
        Assert.Equal("CN=second", Served("a.localhost"));
        var version = _world.Feed.Version;
        CreateSecret("other", "nobody's");
        await _world.ReconcileAsync();
        Assert.Equal(version, _world.Feed.Version);
    }

    [Fact]
    public async Task SecretThatComesLater_IsServedThen()
    {
        await StartAsync();
        Assert.Null(Served("a.localhost"));
        Assert.Equal("False InvalidCertificate Secret d/one does not exist: its hosts are not served over TLS.", _world.Condition("a", "FieldsHonoured"));
        Assert.Equal("True", _world.Condition("a", "Ready"));
        CreateSecret("one", "first");
        await _world.ReconcileAsync();
        Assert.Equal("CN=first", Served("a.localhost"));
        Assert.Equal("absent", _world.Condition("a", "FieldsHonoured"));
    }

    [Theory]
    [InlineData("""{"data":{"tls.crt":"bm8gcGVt"}}""", "is of no use: tls.crt holds no PEM certificate")]
    [InlineData("""{"data":{"tls.key":"bm8gcGVt"}}""", "is of no use: tls.crt and tls.key are not a certificate and its key")]
    [InlineData("""{"data":{"tls.key":null}}""", "has no tls.crt or no tls.key")]
    public async Task SecretThatBreaks_ServesItsLastGoodCertificate_AndIsReported(string edit, string problem)
    {
        CreateSecret("one", "first");
        await StartAsync();
        Patch("one", edit);
        await _world.ReconcileAsync();
        Assert.Equal("CN=first", Served("a.localhost"));
        Assert.StartsWith($"False InvalidCertificate Secret d/one {problem}", _world.Condition("a", "FieldsHonoured"), StringComparison.Ordinal);
        Assert.EndsWith("(the last good certificate keeps serving).", _world.Condition("a", "FieldsHonoured"), StringComparison.Ordinal);
        Patch("one", Data("second"));
        await _world.ReconcileAsync();
        Assert.Equal("CN=second", Served("a.localhost"));
        Assert.Equal("absent", _world.Condition("a", "FieldsHonoured"));
    }

    [Fact]
    public async Task KeyOfAnotherCertificate_IsNotServed()
    {
        CreateSecret("one", "first");
        await StartAsync();
        Patch("one", $$"""{"data":{"tls.key":"{{Base64(Pair("x").KeyPem)}}"} }""");
        await _world.ReconcileAsync();
        Assert.StartsWith("False InvalidCertificate", _world.Condition("a", "FieldsHonoured"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeletedSecret_ServesOn_UntilNobodyNamesIt()
    {
        CreateSecret("one", "first");
        await StartAsync();
        await _world.DeleteAsync(Kinds.Secret, "one");
        await _world.ReconcileAsync();
        Assert.Equal("CN=first", Served("a.localhost"));
        _world.Patch(Kinds.KIngress, "a", """{"spec":{"tls":[]}}""");
        await _world.ReconcileAsync();
        Assert.Null(Served("a.localhost"));
        _world.Patch(Kinds.KIngress, "a", Tls("a.localhost", "one"));
        await _world.ReconcileAsync();
        Assert.Null(Served("a.localhost"));
    }

    [Fact]
    public async Task HostOfTwoIngresses_IsServedWithTheCertificateOfTheOlder()
    {
        CreateSecret("one", "first");
        CreateSecret("two", "second");
        await StartAsync();
        _world.CreateIngress("older", "b.localhost", "a-1", "2025-01-01T00:00:00Z");
        _world.Patch(Kinds.KIngress, "older", Tls("a.localhost", "two"));
        await _world.ReconcileAsync();
        Assert.Equal("CN=second", Served("a.localhost"));
        await _world.DeleteAsync(Kinds.Secret, "two");
        await _world.DeleteAsync(Kinds.KIngress, "older");
        await _world.ReconcileAsync();
        Assert.Equal("CN=first", Served("a.localhost"));
        await _world.DeleteAsync(Kinds.KIngress, "a");
        await _world.ReconcileAsync();
        Assert.Null(Served("a.localhost"));
    }

    private static KeyPair Pair(string name) => CertificateAuthority.Generate(name, TimeProvider.System);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Data(string name)
    {
        var pair = Pair(name);
        return $$"""{"data":{"tls.crt":"{{Base64(pair.CertificatePem)}}","tls.key":"{{Base64(pair.KeyPem)}}"} }""";
    }

    private static string Tls(string host, string secret) => $$"""{"spec":{"tls":[{"hosts":["{{host}}"],"secretName":"{{secret}}","secretNamespace":"d"}]} }""";

    private void CreateSecret(string name, string subject)
    {
        _world.Create(Kinds.Secret, $$"""{"metadata":{"name":"{{name}}","namespace":"d"} }""");
        Patch(name, Data(subject));
    }

    private void Patch(string secret, string json) => _world.Patch(Kinds.Secret, secret, json);

    private async Task StartAsync()
    {
        _world.CreateRoute();
        _world.Patch(Kinds.KIngress, "a", Tls("a.localhost", "one"));
        await _world.Feed.StartAsync(CancellationToken.None);
        await _world.ReconcileAsync();
    }

    private string? Served(string host) => _world.Table.Tls.Find(host)?.Leaf.Subject;
}
