import { SignJWT } from "jose";
import { loadConfig } from "../../../common/config.ts";
import { schema } from "./config.ts";

// `make token ROOM=…`: prints a JWT for a replica with AUTH=jwt and the same JWT_SECRET.
const config = loadConfig(schema, process.env);
const token = new SignJWT({ rooms: config.ROOM, role: config.ROLE })
  .setProtectedHeader({ alg: "HS256" })
  .setSubject(config.SUBJECT)
  .setIssuedAt()
  .setExpirationTime(Math.floor(Date.now() / 1000) + config.TTL_SECONDS);
if (config.JWT_AUDIENCE !== undefined) token.setAudience(config.JWT_AUDIENCE);
if (config.JWT_ISSUER !== undefined) token.setIssuer(config.JWT_ISSUER);
process.stdout.write(`${await token.sign(new TextEncoder().encode(config.JWT_SECRET))}\n`);
