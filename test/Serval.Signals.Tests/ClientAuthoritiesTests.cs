using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Certificates;

namespace Serval.Signals.Tests;

/// <summary>Whose certificates are known, by what stands in the cluster's file: each certificate of it is an anchor (Go crypto/x509, Certificate.Verify).</summary>
public sealed class ClientAuthoritiesTests : IAsyncDisposable
{
    private readonly World _world = new();
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _over;
    private readonly X509Certificate2 _middle;
    private readonly X509Certificate2 _noAuthority;

    public ClientAuthoritiesTests()
    {
        _root = Issue("root", null, 100);
        _over = Issue("over", null, -1);
        _middle = Issue("middle", _root, 50);
        _noAuthority = Issue("no authority", _root, 50, signs: false);
    }

    [Theory]
    [InlineData("root", "root", true)]
    [InlineData("middle", "middle", true)]
    [InlineData("root,middle", "middle", true)]
    [InlineData("middle,root", "root", true)]
    [InlineData("root", "middle", false)] // nobody shows what is between them
    [InlineData("middle", "root", false)]
    [InlineData("over", "over", false)]
    [InlineData("over,middle", "middle", true)]
    [InlineData("no authority", "no authority", false)]
    [InlineData("root,no authority", "no authority", false)]
    [InlineData("", "root", false)]
    public async Task Certificate_IsKnownByAnAnchor(string pool, string signer, bool known)
    {
        using var shown = Issue("somebody", Named(signer).Single(), 10, signs: false);
        Assert.Equal(known ? "somebody" : null, await FindAsync(pool, shown));
    }

    [Theory]
    [InlineData("root", "root")]
    [InlineData("middle", "middle")]
    [InlineData("root,middle", "middle")]
    public async Task Certificate_ThatOnlyNamesAnAnchor_IsNot(string pool, string named)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var shown = Issue("somebody", Named(named).Single(), 10, signs: false, key);
        Assert.Null(await FindAsync(pool, shown));
    }

    private async Task<string?> FindAsync(string pool, X509Certificate2 shown)
    {
        var pem = string.Concat(Named(pool).Select(c => c.ExportCertificatePem() + "\n"));
        await _world.Kube.CreateAsync(Kinds.ConfigMap, KubeObject.From(new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["data"] = new JsonObject { ["client-ca-file"] = pem },
            ["metadata"] = new JsonObject { ["name"] = ClientAuthorities.Source.Name, ["namespace"] = ClientAuthorities.Source.Namespace },
        }), WriteOptions.By("test"));
        return (string?)new ClientAuthorities(_world.Kube, _world.Time).Find(shown)?.User!["username"];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var certificate in (X509Certificate2[])[_root, _over, _middle, _noAuthority])
        {
            certificate.Dispose();
        }
        await _world.DisposeAsync();
    }

    private IEnumerable<X509Certificate2> Named(string names) =>
        new[] { _root, _over, _middle, _noAuthority }.Where(c => names.Split(',').Any(n => n == c.GetNameInfo(X509NameType.SimpleName, false)));

    private X509Certificate2 Issue(string name, X509Certificate2? issuer, int days, bool signs = true, ECDsa? by = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(signs, false, 0, true));
        if (!signs)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([CertificateAuthority.ClientUse], false));
        }
        var now = _world.Time.GetUtcNow();
        if (issuer is null)
        {
            return request.CreateSelfSigned(now.AddDays(-200), now.AddDays(days));
        }
        using var own = issuer.GetECDsaPrivateKey()!;
        using var signed = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(by ?? own), now.AddDays(-10), now.AddDays(days), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }
}
