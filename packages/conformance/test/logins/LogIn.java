/** Logs in with sigstore-java at an issuer, and writes the identity token into a file. */
import dev.sigstore.oidc.client.WebOidcClient;
import dev.sigstore.trustroot.Service;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

public class LogIn {
	public static void main(String[] args) throws Exception {
		var client = WebOidcClient.builder().setIssuer(Service.of(URI.create(args[0]), 1)).build();
		var token = client.getIDToken(System.getenv());
		Files.writeString(Path.of(args[1]), token.getIdToken());
		System.out.println("logged in: " + token.getSubjectAlternativeName());
		// Threads of its receiver would keep the program waiting.
		System.exit(0);
	}
}
