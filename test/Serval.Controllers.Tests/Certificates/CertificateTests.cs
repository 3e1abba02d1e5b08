using System.Security.Cryptography.X509Certificates;
using System.Text;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Controllers.Tests.Serving;
using Serval.Kube;
using Serval.Kube.Certificates;

namespace Serval.Controllers.Tests.Certificates;

/// <summary>The built-in issuer.</summary>
public sealed class CertificateTests
{
    private static readonly Seed s_certificate = Some.Of(Kinds.Certificate, "cert", """{"dnsNames":["a.test","*.b.test"],"secretName":"a-tls"}""");

    [Fact]
    public async Task NewCertificate_BecomesASecretThatTheAuthorityVouchesFor()
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();

        var secret = world.Get(Kinds.Secret, "a-tls");
        Assert.Equal("kubernetes.io/tls", secret.As<Secret>().Type);
        Assert.Equal(world.Get(Kinds.Certificate, "cert").Metadata.Uid, secret.Metadata.Label("networking.internal.knative.dev/certificate-uid"));
        using var leaf = Leaf(world);
        Assert.Equal(["a.test", "*.b.test"], leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
        using var authority = Authority(world);
        Assert.True(authority.Signed(leaf, CertificateAuthority.ServerUse, world.Time.GetUtcNow().UtcDateTime));
        Assert.Equal(authority.CertificatePem, Text(secret, "ca.crt"));
        var shown = world.Client.Cache(Kinds.Secret).Get(new ObjectKey("cert-manager", "knative-selfsigned-ca"))!;
        Assert.Equal(authority.CertificatePem, Text(shown, "tls.crt"));
        Assert.False(shown.As<Secret>().Data.ContainsKey("tls.key"));

        var status = world.Get(Kinds.Certificate, "cert").As<Certificate>().Status;
        Assert.Equal(leaf.NotAfter.ToUniversalTime(), status.NotAfter!.Value.UtcDateTime);
        Assert.Equal(("Ready", "True"), (Assert.Single(status.Conditions).Type, status.Conditions[0].Status));
        Assert.Equal(["Normal Issued Certificate/cert: Issued a certificate for a.test, *.b.test into Secret a-tls"], world.Events.Take());
    }

    [Fact]
    public async Task IssuedCertificate_IsLeftAlone_UntilTwoThirdsOfItsLife()
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();
        using var first = Leaf(world);
        world.Client.TakeWrites();

        world.Time.Advance(TimeSpan.FromDays(59));
        await world.RunAsync(Kinds.Certificate, "cert");
        Assert.Empty(world.Client.TakeWrites());

        world.Time.Advance(TimeSpan.FromDays(2));
        await world.RunAsync(Kinds.Certificate, "cert");
        Assert.Equal(["patch Secret a-tls", "patch Certificate cert/status"], world.Client.TakeWrites());
        using var second = Leaf(world);
        Assert.True(second.NotAfter > first.NotAfter);
    }

    /// <summary>A machine without a clock of its own starts in the past, or comes back from the future.</summary>
    [Theory]
    [InlineData(-30)]
    [InlineData(400)]
    [InlineData(5000)]
    public async Task SteppedClock_IssuesWhatIsValidByIt(int days)
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();
        world.Time.StepWallClock(TimeSpan.FromDays(days));
        await world.RunAsync(Kinds.Certificate, "cert");
        using var leaf = Leaf(world);
        using var authority = Authority(world);
        Assert.True(authority.Signed(leaf, CertificateAuthority.ServerUse, world.Time.GetUtcNow().UtcDateTime));
    }

    [Theory]
    [InlineData("""{"data":{"tls.crt":"bm9uc2Vuc2U="}}""")]
    [InlineData("""{"data":{"tls.key":"bm9uc2Vuc2U="}}""")]
    [InlineData("""{"data":{"ca.crt":null}}""")]
    public async Task EditedSecret_IsMadeRightAgain(string edit)
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();
        using var first = Leaf(world);
        await world.PatchAsync(Kinds.Secret, "a-tls", edit);
        await world.SettleAsync();
        using var second = Leaf(world);
        Assert.NotEqual(first.SerialNumber, second.SerialNumber);
    }

    [Fact]
    public async Task DeletedSecret_OtherNames_NewAuthority_AreIssuedAnew()
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();
        await world.DeleteAsync(Kinds.Secret, "a-tls");
        await world.SettleAsync();
        using var first = Leaf(world);

        await world.PatchAsync(Kinds.Certificate, "cert", """{"spec":{"dnsNames":["c.test"]}}""");
        await world.SettleAsync();
        using var second = Leaf(world);
        Assert.Equal(["c.test"], second.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());

        await world.Client.DeleteAsync(Kinds.Secret, new ObjectKey("cert-manager", "ca-key-pair"), DeleteOptions.Background);
        await world.SettleAsync();
        using var third = Leaf(world);
        using var authority = Authority(world);
        Assert.True(authority.Signed(third, CertificateAuthority.ServerUse, world.Time.GetUtcNow().UtcDateTime));
        Assert.NotEqual(second.SerialNumber, third.SerialNumber);
    }

    [Fact]
    public async Task SecretOfSomebodyElse_IsNotTouched()
    {
        var theirs = new Seed(Kinds.Secret, new() { ["metadata"] = new System.Text.Json.Nodes.JsonObject { ["name"] = "a-tls", ["namespace"] = "default" } });
        await using var world = await ServingWorld.StartAsync(theirs, s_certificate);
        await world.SettleAsync();
        Assert.Contains("Ready=False NotOwned: There is an existing Secret \"a-tls\" that we do not own.", world.Status(Kinds.Certificate, "cert"), StringComparison.Ordinal);
        Assert.Empty(world.Get(Kinds.Secret, "a-tls").As<Secret>().Data);

        await world.DeleteAsync(Kinds.Secret, "a-tls");
        await world.SettleAsync();
        Assert.Contains("Ready=True", world.Status(Kinds.Certificate, "cert"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AuthorityOfTheUser_Signs_AndOneThatCannotIsSaid()
    {
        await using var world = await ServingWorld.StartAsync(s_certificate);
        await world.SettleAsync();
        var theirs = CertificateAuthority.Generate("their-ca", world.Time);
        var key = new ObjectKey("cert-manager", "ca-key-pair");
        await PatchAuthorityAsync(theirs.CertificatePem, theirs.KeyPem);
        await world.SettleAsync();
        Assert.Equal(theirs.CertificatePem, Text(world.Get(Kinds.Secret, "a-tls"), "ca.crt"));

        await PatchAuthorityAsync(theirs.CertificatePem, "nonsense");
        await world.SettleAsync();
        Assert.Contains("Ready=False AuthorityUnusable: Secret cert-manager/ca-key-pair cannot sign certificates", world.Status(Kinds.Certificate, "cert"), StringComparison.Ordinal);

        Task PatchAuthorityAsync(string certificate, string privateKey) => world.Client.PatchAsync(Kinds.Secret, key, new KubePatch(
            PatchType.Merge, Encoding.UTF8.GetBytes($$"""{"data":{"tls.crt":"{{Base64(certificate)}}","tls.key":"{{Base64(privateKey)}}"} }""")), WriteOptions.By("test"));
    }

    [Theory]
    [InlineData("serval.certificate.networking.knative.dev", true)]
    [InlineData("cert-manager.certificate.networking.knative.dev", true)]
    [InlineData("acme.example.com", false)]
    public async Task Class_SaysWhoIssues(string name, bool issued)
    {
        await using var world = await ServingWorld.StartAsync(s_certificate.Annotated("networking.knative.dev/certificate-class", name));
        await world.SettleAsync();
        Assert.Equal(issued, world.Find(Kinds.Secret, "a-tls") is not null);
    }

    [Theory]
    [InlineData("external-domain-tls", "Enabled", true)]
    [InlineData("cluster-local-domain-tls", "enabled", true)]
    [InlineData("http-protocol", "redirected", false)]
    public async Task Authority_IsThereAsSoonAsTlsIsAskedFor(string setting, string value, bool there)
    {
        await using var world = await ServingWorld.StartAsync();
        await world.ConfigureAsync("config-network", $$"""{"{{setting}}":"{{value}}"}""");
        await world.SettleAsync();
        Assert.Equal(there, world.Client.Cache(Kinds.Secret).Get(new ObjectKey("cert-manager", "ca-key-pair")) is not null);
    }

    /// <summary>A name that no certificate can hold is said, and is not tried for ever.</summary>
    [Fact]
    public async Task NameThatCannotBeCertified_IsSaid()
    {
        await using var world = await ServingWorld.StartAsync(
            Some.Of(Kinds.Certificate, "cert", $$"""{"dnsNames":["{{new string('ä', 70)}}.test"],"secretName":"a-tls"}"""));
        await world.SettleAsync();
        Assert.Contains("Ready=False IssueFailed: ", world.Status(Kinds.Certificate, "cert"), StringComparison.Ordinal);
    }

    private static X509Certificate2 Leaf(ServingWorld world) => X509Certificate2.CreateFromPem(Text(world.Get(Kinds.Secret, "a-tls"), "tls.crt"));

    private static CertificateAuthority Authority(ServingWorld world)
    {
        var secret = world.Client.Cache(Kinds.Secret).Get(new ObjectKey("cert-manager", "ca-key-pair"))!;
        return new CertificateAuthority(new KeyPair(Text(secret, "tls.crt"), Text(secret, "tls.key")), world.Time);
    }

    private static string Text(KubeObject secret, string key) => Encoding.UTF8.GetString(Convert.FromBase64String(secret.As<Secret>().Data[key]));

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
