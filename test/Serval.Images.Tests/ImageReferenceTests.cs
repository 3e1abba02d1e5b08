namespace Serval.Images.Tests;

public sealed class ImageReferenceTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("hello", "docker.io/library/hello", "latest", "", "hello:latest")]
    [InlineData("hello:v1", "docker.io/library/hello", "v1", "", "hello:v1")]
    [InlineData("team/hello", "docker.io/team/hello", "latest", "", "team/hello:latest")]
    [InlineData("index.docker.io/hello", "docker.io/library/hello", "latest", "", "hello:latest")]
    [InlineData("docker.io/library/hello:v2", "docker.io/library/hello", "v2", "", "hello:v2")]
    [InlineData("dev.local/hello:latest", "dev.local/hello", "latest", "", "dev.local/hello:latest")]
    [InlineData("localhost/hello", "localhost/hello", "latest", "", "localhost/hello:latest")]
    [InlineData("localhost:5000/a/b_c/d-e.f:1.0-x", "localhost:5000/a/b_c/d-e.f", "1.0-x", "", "localhost:5000/a/b_c/d-e.f:1.0-x")]
    [InlineData("hello@" + Digest, "docker.io/library/hello", "", Digest, "hello@" + Digest)]
    [InlineData("hello:v1@" + Digest, "docker.io/library/hello", "v1", Digest, "hello:v1@" + Digest)]
    public void Parse_ValidText_Normalises(string text, string name, string tag, string digest, string familiar)
    {
        var reference = ImageReference.Parse(text);

        Assert.Equal((name, tag, digest, familiar), (reference.Name, reference.Tag, reference.Digest, reference.Familiar));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Hello")]
    [InlineData("hello:")]
    [InlineData("hello:a b")]
    [InlineData("hello:.x")]
    [InlineData("a//b")]
    [InlineData("../etc")]
    [InlineData("/hello")]
    [InlineData("hello@sha256:12")]
    [InlineData("hello@md5:d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("host:port/hello")]
    [InlineData("hello\n")]
    public void Parse_InvalidText_SaysWhatToWrite(string text)
    {
        var error = Assert.Throws<ImageException>(() => ImageReference.Parse(text));

        Assert.Equal(ImageError.Invalid, error.Error);
        Assert.Contains("NAME:TAG", error.Message, StringComparison.Ordinal);
    }
}
