using Serval.Cli;
using Serval.Manifests;
using Serval.Tests.Cli;

namespace Serval.Tests.Manifests;

public sealed class ManifestSourceTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Read_DirectoryAndStandardInput_KeepsTheOrder()
    {
        await File.WriteAllTextAsync(_cli["b.yaml"], "---\n" + Object("b1") + "---\n# nothing\n---\n" + Object("b2"));
        await File.WriteAllTextAsync(_cli["a.json"], """{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a1"}}]}""");
        await File.WriteAllTextAsync(_cli["notes.txt"], "not read");

        var documents = await ManifestSource.ReadAsync([_cli.Root, "-"], new StringReader(Object("c1")), CancellationToken.None);

        Assert.Equal(["a1", "b1", "b2", "c1"], documents.Select(d => d.Name));
    }

    [Theory]
    [InlineData("apiVersion: v1\nkind: ConfigMap\n", "metadata.name")]
    [InlineData("kind: ConfigMap\nmetadata: {name: x}\n", "apiVersion")]
    [InlineData("- a\n", "apiVersion and kind")]
    [InlineData("apiVersion: v1\nkind: [\n", "file.yaml:")]
    [InlineData("""{"apiVersion":"v1","apiVersion":"v2"}""", "twice")]
    [InlineData("", "no objects")]
    [InlineData("---\n# nothing\n---\n", "no objects")]
    [InlineData("kind: 5\napiVersion: v1\nitems: []\n", "kind is 5, which is not a string; put it in quotes")]
    [InlineData("apiVersion: v1\nkind: [a]\nmetadata: {name: x}\n", "kind is [\"a\"], which is not a string")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: 5\n", "metadata is not an object")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 5}\n", "metadata.name is 5, which is not a string; put it in quotes")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: true}\n", "metadata.namespace is true, which is not a string")]
    [InlineData("\u0000\u0001\ufffd\u0002", "expected objects with apiVersion and kind")]
    public async Task Read_Unusable_SaysWhere(string text, string expected)
    {
        await File.WriteAllTextAsync(_cli["file.yaml"], text);

        var error = await Assert.ThrowsAsync<CliException>(() => ManifestSource.ReadAsync([_cli["file.yaml"]], TextReader.Null, CancellationToken.None));

        Assert.Equal(ExitCodes.Usage, error.ExitCode);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_HugeFile_IsRefusedUnread()
    {
        await using (var file = File.Create(_cli["huge.yaml"]))
        {
            file.SetLength(3L << 30); // a hole: nothing is stored
        }

        var error = await Assert.ThrowsAsync<CliException>(() => ManifestSource.ReadAsync([_cli["huge.yaml"]], TextReader.Null, CancellationToken.None));

        Assert.Contains("is larger than 64 MB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_ServiceOfTheSample_HasItsAnnotationAsText()
    {
        var document = Assert.Single(ManifestSource.Parse(File.ReadAllText(Path.Combine(Serval.Demo.SampleBuilder.FindSource(null), "service.yaml")), "service.yaml"));

        var annotations = document.Tree["spec"]!["template"]!["metadata"]!["annotations"]!;
        Assert.Equal("6s", annotations["autoscaling.knative.dev/window"]!.GetValue<string>());
    }

    private static string Object(string name) => $"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n";
}
